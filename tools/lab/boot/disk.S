# SPDX-License-Identifier: GPL-2.0
#
# The first 8 KiB of the Intel machine's disk: reads a kernel and an initramfs
# that lie behind it, in large pieces and past the BIOS, and starts the kernel
# where a virtual machine does (PVH, include/xen/interface/hvm/start_info.h of
# Linux): there is nothing left to decompress, and no other boot loader.
#
# Assembled anew for each boot, by machine-intel.sh, with these symbols:
#   KERNEL_ENTRY   the kernel's 32-bit PVH entry
#   KERNEL_AT, INITRD_AT                 where in memory they go
#   KERNEL_SECTORS, INITRD_SECTORS       how much of the disk they are
#   INITRD_BYTES
# and with the kernel's command line as a file "cmdline".

	.set SECTOR, 512
	.set BOOT_SECTORS, 16
	.set BATCH, 0x4000		# sectors per command: 8 MiB

	.code16
	.text
	.globl _start
_start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$0x7c00, %sp
	cld
	sti
	movw	$packet, %si		# %dl is the disk, as the BIOS left it
	movb	$0x42, %ah
	int	$0x13
	jc	stop16
	jmp	second
stop16:
	hlt
	jmp	stop16

packet:	.byte	16, 0
	.word	BOOT_SECTORS - 1
	.word	0x7e00, 0
	.quad	1

	.org	510
	.word	0xaa55

# The BIOS' map of memory, then no more of the BIOS.
second:
	xorl	%ebx, %ebx
	movw	$memmap, %di
1:	movl	$0xe820, %eax
	movl	$0x534d4150, %edx	# "SMAP"
	movl	$20, %ecx
	int	$0x15
	jc	2f
	incl	memmap_entries
	addw	$24, %di
	testl	%ebx, %ebx
	jnz	1b
2:	cli
	inb	$0x92, %al		# A20
	orb	$2, %al
	outb	%al, $0x92
	lgdt	gdt_pointer
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmp	$8, $protected

	.code32
protected:
	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$0x7c00, %esp
	movw	$0x3f6, %dx		# no interrupts from the disk
	movb	$2, %al
	outb	%al, %dx

	movl	$BOOT_SECTORS, %ebx
	movl	$KERNEL_SECTORS, %ebp
	movl	$KERNEL_AT, %edi
	call	read
	movl	$INITRD_SECTORS, %ebp
	movl	$INITRD_AT, %edi
	call	read
	call	find_rsdp

	movl	$start_info, %ebx
	movl	$KERNEL_ENTRY, %eax
	jmp	*%eax

# Reads %ebp sectors from sector %ebx on to %edi; all three move on.
read:
1:	testl	%ebp, %ebp
	jz	3f
	movl	$BATCH, %esi
	cmpl	%ebp, %esi
	jbe	2f
	movl	%ebp, %esi
2:	call	read_batch
	subl	%esi, %ebp
	addl	%esi, %ebx
	jmp	1b
3:	ret

# READ SECTORS EXT: count and 48-bit address, high halves first.
read_batch:
	movw	$0x1f6, %dx
	movb	$0x40, %al
	outb	%al, %dx
	movl	%esi, %eax
	movb	%ah, %al
	movw	$0x1f2, %dx
	outb	%al, %dx
	movl	%ebx, %eax
	shrl	$24, %eax
	incw	%dx
	outb	%al, %dx
	xorb	%al, %al
	incw	%dx
	outb	%al, %dx
	incw	%dx
	outb	%al, %dx
	movw	$0x1f2, %dx
	movl	%esi, %eax
	outb	%al, %dx
	movl	%ebx, %eax
	incw	%dx
	outb	%al, %dx
	shrl	$8, %eax
	incw	%dx
	outb	%al, %dx
	shrl	$8, %eax
	incw	%dx
	outb	%al, %dx
	movw	$0x1f7, %dx
	movb	$0x24, %al
	outb	%al, %dx

	pushl	%esi
1:	movw	$0x1f7, %dx
2:	inb	%dx, %al
	testb	$0x80, %al		# busy
	jnz	2b
	testb	$0x21, %al		# error
	jnz	stop
	testb	$8, %al			# data
	jz	2b
	movw	$0x1f0, %dx
	movl	$SECTOR / 2, %ecx
	rep insw
	decl	%esi
	jnz	1b
	popl	%esi
	ret

stop:
	hlt
	jmp	stop

# ACPI's root pointer, which nobody looks for on this way into the kernel.
find_rsdp:
	movl	$0xe0000, %eax
1:	cmpl	$0x20445352, (%eax)	# "RSD PTR "
	jne	2f
	cmpl	$0x20525450, 4(%eax)
	je	3f
2:	addl	$16, %eax
	cmpl	$0x100000, %eax
	jb	1b
	ret
3:	movl	%eax, rsdp
	ret

	.balign	8
gdt:	.quad	0
	.quad	0x00cf9b000000ffff	# code, 32 bits, flat
	.quad	0x00cf93000000ffff	# data
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	gdt

	.balign	8
start_info:
	.long	0x336ec578, 1, 0, 1	# magic, version, flags, modules
	.long	module, 0
	.long	cmdline, 0
rsdp:	.long	0, 0
	.long	memmap, 0
memmap_entries:
	.long	0, 0

module:	.quad	INITRD_AT, INITRD_BYTES, 0, 0

cmdline:
	.incbin	"cmdline"
	.byte	0

	.balign	8
memmap:	.fill	32 * 24, 1, 0

	.org	BOOT_SECTORS * SECTOR
