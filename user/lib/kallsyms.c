// SPDX-License-Identifier: GPL-2.0
#include "lib/kallsyms.h"

#include <ctype.h>
#include <string.h>

/* There are 100,000 and more lines: strtoull() takes longer than all else. */
static bool hex_digit(char c, uint64_t *value)
{
	unsigned int digit = c - '0';

	if (digit > 9) {
		digit = (c | 0x20) - 'a' + 10;
		if (digit < 10 || digit > 15)
			return false;
	}
	*value = *value << 4 | digit;
	return true;
}

bool kallsyms_line(char *line, struct kallsym *symbol)
{
	const char *digits = line;

	symbol->address = 0;
	while (hex_digit(*line, &symbol->address))
		line++;
	if (line == digits || line - digits > 16 || line[0] != ' ' ||
	    !isalpha((unsigned char)line[1]) || line[2] != ' ')
		return false;
	symbol->type = line[1];
	symbol->name = line + 3;
	symbol->name[strcspn(symbol->name, " \t\n")] = '\0';
	return *symbol->name;
}
