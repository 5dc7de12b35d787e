# SPDX-License-Identifier: GPL-2.0
#
# Prints standard input on the first parallel port, which is a file of the Intel
# machine's host: a hundred times faster than the kernel's printer driver, which
# waits for a printer. No C library; exit code 1 where the port may not be used.

	.set PORT, 0x378
	.set SIZE, 0x10000

	.globl _start
_start:
	movl	$172, %eax		# iopl(3)
	movl	$3, %edi
	syscall
	testl	%eax, %eax
	jnz	2f
1:	xorl	%eax, %eax		# read(0, buffer, SIZE)
	xorl	%edi, %edi
	leaq	buffer(%rip), %rsi
	movl	$SIZE, %edx
	syscall
	testq	%rax, %rax
	jle	3f
	movq	%rax, %rcx
	movl	$PORT, %edx
4:	lodsb
	outb	%al, %dx		# the byte, then strobe on and off
	addl	$2, %edx
	movb	$0x0d, %al
	outb	%al, %dx
	movb	$0x0c, %al
	outb	%al, %dx
	subl	$2, %edx
	loop	4b
	jmp	1b
2:	movl	$-1, %eax
3:	xorl	%edi, %edi		# exit
	testq	%rax, %rax
	setnz	%dil
	movl	$60, %eax
	syscall

	.bss
buffer:	.skip	SIZE
