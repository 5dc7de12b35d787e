/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a hooked function calls instead of doing nothing, before its first
 * instruction: see detour.c. The stack then holds the address behind that call, and
 * above it the function's own return address.
 */
#include <linux/linkage.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#ifndef ENDBR
#define ENDBR
#endif

/* struct hook_call of mmuscope.h, on the stack, and a place for the other half of a result. */
#define CALL_RET	48
#define CALL_SIZE	64
#define SAVED_RDX	CALL_SIZE
#define FRAME		(CALL_SIZE + 8)

	.text

SYM_FUNC_START(detour_entry)
	ENDBR
	pushq	%rbp
	movq	%rsp, %rbp
	subq	$FRAME, %rsp
	movq	%rdi, 0(%rsp)
	movq	%rsi, 8(%rsp)
	movq	%rdx, 16(%rsp)
	movq	%rcx, 24(%rsp)
	movq	%r8, 32(%rsp)
	movq	%r9, 40(%rsp)
	movq	%rsp, %rdi
	movq	8(%rbp), %rsi
	call	detour_begin
	movq	0(%rsp), %rdi
	movq	8(%rsp), %rsi
	movq	16(%rsp), %rdx
	movq	24(%rsp), %rcx
	movq	32(%rsp), %r8
	movq	40(%rsp), %r9
	testq	%rax, %rax
	jz	.Lgo_on
	/* The function's rest, from here, so that we see it return. */
	CALL_NOSPEC rax
	movq	%rax, CALL_RET(%rsp)
	movq	%rdx, SAVED_RDX(%rsp)
	movq	%rsp, %rdi
	movq	8(%rbp), %rsi
	call	detour_end
	movq	CALL_RET(%rsp), %rax
	movq	SAVED_RDX(%rsp), %rdx
	leave
	/* To the function's caller: the function is done. */
	addq	$8, %rsp
	UNWIND_HINT_FUNC
	RET
.Lgo_on:
	leave
	RET
SYM_FUNC_END(detour_entry)
