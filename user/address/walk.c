// SPDX-License-Identifier: GPL-2.0
/*
 * Formats: Intel SDM volume 3, chapters 4 (paging) and 28.3 (EPT); AMD APM volume 2,
 * chapters 5 and 15.25. NPT and shadow paging have the CPU's own format.
 */
#include "address/walk.h"

#include <errno.h>
#include <string.h>

#define BIT(n)		(1ULL << (n))
#define P		BIT(0)
#define W		BIT(1)
#define U		BIT(2)
#define PS		BIT(7)
#define NX		BIT(63)
#define EPT_RWX		7ULL
#define EPT_MISCONFIG	6ULL	/* may be written, not read: KVM's mark for MMIO */
#define ADDRESS_MASK	0x000ffffffffff000ULL
#define RESERVED_51	BIT(51)	/* what KVM marks MMIO with, where MAXPHYADDR leaves room */

static unsigned int level_bits(enum walk_format format)
{
	return format == WALK_32 ? 10 : 9;
}

uint64_t walk_span(enum walk_format format, unsigned int level)
{
	return WALK_PAGE << (level - 1) * level_bits(format);
}

static unsigned int entry_index(const struct walk_rules *r, unsigned int level, uint64_t address)
{
	uint64_t index = address / walk_span(r->format, level);

	/* The first table of PAE has 4 entries; addresses above are none. */
	if (r->format == WALK_PAE && level == 3)
		return index & 3;
	return index & (BIT(level_bits(r->format)) - 1);
}

static uint64_t table_of(const struct walk_rules *r, uint64_t value, bool root)
{
	if (r->format == WALK_32)
		return value & 0xfffff000;
	/* The table that PAE's CR3 points to needs no page of its own. */
	if (root && r->format == WALK_PAE)
		return value & 0xffffffe0;
	return value & ADDRESS_MASK & ~r->encrypted;
}

static bool entry_present(const struct walk_rules *r, uint64_t value)
{
	return value & (r->format == WALK_EPT ? EPT_RWX : P);
}

static bool entry_is_mmio(const struct walk_rules *r, uint64_t value)
{
	if (!r->made_by_kvm || !value)
		return false;
	if (r->mmio_mask && r->mmio_value && (value & r->mmio_mask) == r->mmio_value)
		return true;
	if (r->format == WALK_EPT)
		return (value & EPT_RWX) == EPT_MISCONFIG;
	return value & P && value & RESERVED_51 & ~r->encrypted;
}

/* Whether the entry maps memory, and not a table. */
static bool entry_is_leaf(const struct walk_rules *r, unsigned int level, uint64_t value)
{
	if (level == 1)
		return true;
	if (!(value & PS))
		return false;
	return r->format == WALK_32 ? r->huge_4m : level == 2 || (level == 3 &&
							       r->format != WALK_PAE);
}

static bool entry_invalid(const struct walk_rules *r, unsigned int level, uint64_t value)
{
	if (r->format == WALK_EPT || r->format == WALK_32)
		return false;
	if (value & NX && !r->nx)
		return true;
	if (r->format == WALK_PAE && level == 3)
		return false;
	return level > 1 && value & PS && !entry_is_leaf(r, level, value);
}

static uint64_t leaf_address(const struct walk_rules *r, unsigned int level, uint64_t value,
			     uint64_t address)
{
	uint64_t size = walk_span(r->format, level), frame = table_of(r, value, false);

	/* PSE-36: bits 13 to 20 are those above 4 GiB. */
	if (r->format == WALK_32 && level == 2)
		frame = (value & 0xffc00000) | (value >> 13 & 0xff) << 32;
	return (frame & ~(size - 1)) | (address & (size - 1));
}

static void entry_allow(struct walk *w, const struct walk_rules *r, unsigned int level,
			uint64_t value)
{
	if (r->format == WALK_EPT) {
		w->read &= !!(value & BIT(0));
		w->write &= !!(value & BIT(1));
		w->fetch &= !!(value & BIT(2));
		return;
	}
	/* The first table of three levels has no such bits. */
	if (r->format == WALK_PAE && level == 3)
		return;
	w->write &= !!(value & W);
	w->user &= !!(value & U);
	if (r->format != WALK_32)
		w->fetch &= !(value & NX);
}

static bool canonical(const struct walk_rules *r, uint64_t address)
{
	unsigned int unused = 64 - 12 - 9 * r->levels;

	if (r->format == WALK_32 || r->format == WALK_PAE)
		return address <= UINT32_MAX;
	/* Physical addresses are not sign-extended. */
	if (r->format == WALK_EPT || (r->made_by_kvm && !(address >> (64 - unused))))
		return !(address >> (64 - unused));
	return (uint64_t)((int64_t)(address << unused) >> unused) == address;
}

/* Return: whether the walk goes on, from @table. */
static bool walk_step(struct walk *w, const struct walk_rules *r, uint64_t address,
		      const struct walk_entry *e, uint64_t *table)
{
	w->level = e->level;
	w->size = walk_span(r->format, e->level);
	if (entry_is_mmio(r, e->value)) {
		w->end = WALK_MMIO;
	} else if (!entry_present(r, e->value)) {
		w->end = WALK_ABSENT;
	} else if (entry_invalid(r, e->level, e->value)) {
		w->end = WALK_INVALID;
	} else {
		entry_allow(w, r, e->level, e->value);
		if (!entry_is_leaf(r, e->level, e->value)) {
			*table = table_of(r, e->value, false);
			return true;
		}
		w->end = WALK_MAPPED;
		w->address = leaf_address(r, e->level, e->value, address);
	}
	return false;
}

void walk_run(struct walk *w, const struct walk_rules *r, uint64_t address, walk_read_fn read,
	      void *ctx)
{
	size_t size = r->format == WALK_32 ? 4 : 8;
	uint64_t table = table_of(r, r->root, true);

	memset(w, 0, sizeof(*w));
	w->level = r->levels;
	if (!r->levels || r->levels > WALK_LEVELS) {
		w->end = WALK_INVALID;
		return;
	}
	if (!canonical(r, address)) {
		w->end = WALK_NONCANONICAL;
		return;
	}
	w->read = w->write = w->user = w->fetch = true;
	for (unsigned int level = r->levels; level; level--) {
		struct walk_entry *e = &w->entries[w->nr];

		e->level = w->level = level;
		e->index = entry_index(r, level, address);
		e->at = w->at = table + e->index * size;
		w->err = read(ctx, e->at, size, &e->value);
		if (w->err) {
			w->end = WALK_UNREADABLE;
			return;
		}
		w->nr++;
		if (!walk_step(w, r, address, e, &table))
			return;
	}
}

static void flag_add(char *text, const char *word)
{
	size_t len = strlen(text);

	if (len + strlen(word) + 2 > WALK_FLAGS_MAX)
		return;
	if (len)
		text[len++] = ' ';
	strcpy(text + len, word);
}

struct flag {
	uint64_t bit;
	const char *word;
	bool leaf;	/* of entries that map memory only */
};

static const struct flag x86_flags[] = {
	{ P, "P", false }, { W, "W", false }, { U, "U", false }, { BIT(3), "PWT", false },
	{ BIT(4), "PCD", false }, { BIT(5), "A", false }, { BIT(6), "D", true },
	{ BIT(8), "G", true }, { NX, "NX", false },
};

static const struct flag ept_flags[] = {
	{ BIT(0), "R", false }, { BIT(1), "W", false }, { BIT(2), "X", false },
	{ BIT(6), "IPAT", true }, { BIT(8), "A", false }, { BIT(9), "D", true },
};

static void flags_memory_type(char *text, uint64_t value)
{
	static const char *const types[8] = {
		[0] = "UC", [1] = "WC", [4] = "WT", [5] = "WP", [6] = "WB",
	};

	if (types[value >> 3 & 7])
		flag_add(text, types[value >> 3 & 7]);
}

const char *walk_flags(const struct walk_rules *r, const struct walk_entry *e,
		       const struct walk_words *words, char *text)
{
	bool ept = r->format == WALK_EPT, leaf = entry_is_leaf(r, e->level, e->value);
	const struct flag *flags = ept ? ept_flags : x86_flags;
	size_t nr = ept ? sizeof(ept_flags) / sizeof(ept_flags[0]) :
			  sizeof(x86_flags) / sizeof(x86_flags[0]);

	*text = '\0';
	if (entry_is_mmio(r, e->value)) {
		flag_add(text, "MMIO");
		return text;
	}
	if (!entry_present(r, e->value))
		return text;
	for (size_t i = 0; i < nr; i++)
		if (e->value & flags[i].bit && (leaf || !flags[i].leaf) &&
		    !(flags[i].bit == NX && r->format == WALK_32))
			flag_add(text, flags[i].word);
	if (leaf && e->level > 1)
		flag_add(text, "PS");
	if (ept && leaf)
		flags_memory_type(text, e->value);
	if (words && leaf && e->value & words->host_writable)
		flag_add(text, "Hw");
	if (words && leaf && e->value & words->mmu_writable)
		flag_add(text, "Mw");
	return text;
}

const char *walk_level_name(unsigned int level)
{
	static const char *const names[] = { "?", "PTE", "PDE", "PDPTE", "PML4E", "PML5E" };

	return names[level <= WALK_LEVELS ? level : 0];
}
