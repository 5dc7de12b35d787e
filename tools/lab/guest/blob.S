/* SPDX-License-Identifier: GPL-2.0 */
/* The payload as bytes in the VMM; PAYLOAD_BIN comes from the make rule. */
	.section .rodata
	.globl payload_start, payload_end
payload_start:
	.incbin PAYLOAD_BIN
payload_end:
	.section .note.GNU-stack, "", @progbits
