# SPDX-License-Identifier: GPL-2.0
# The guest programs of the lab; included by the top Makefile, paths from there.
O ?= build
LAB_GUEST_DIR := $(O)/tools/lab/guest
LAB_GUEST := $(LAB_GUEST_DIR)/mmuscope-guest
LAB_GUEST_SRC := $(filter-out %/payload.c,$(sort $(wildcard tools/lab/guest/*.c)))
LAB_GUEST_OBJ := $(LAB_GUEST_SRC:tools/lab/guest/%.c=$(LAB_GUEST_DIR)/%.o)
LAB_GUEST_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wstrict-prototypes \
	-Wno-missing-field-initializers
# The payload runs without a C library, a red zone, vector state or an IDT.
LAB_PAYLOAD_CFLAGS := -std=gnu11 -O2 -Wall -Wextra -ffreestanding -fno-pic \
	-fno-pie -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
	-fcf-protection=none -fno-asynchronous-unwind-tables \
	-fno-tree-loop-distribute-patterns

.PHONY: lab-guest
lab-guest: $(LAB_GUEST)

$(LAB_GUEST): $(LAB_GUEST_OBJ) $(LAB_GUEST_DIR)/blob.o
	$(call say,LINK,$@)
	$(Q)$(CC) -static -pthread -o $@ $^

$(LAB_GUEST_OBJ): $(LAB_GUEST_DIR)/%.o: tools/lab/guest/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LAB_GUEST_CFLAGS) -MMD -MP -c -o $@ $<

$(LAB_GUEST_DIR)/payload.o: tools/lab/guest/payload.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LAB_PAYLOAD_CFLAGS) -MMD -MP -c -o $@ $<

$(LAB_GUEST_DIR)/payload.elf: $(LAB_GUEST_DIR)/payload.o tools/lab/guest/payload.lds
	$(Q)$(CC) -static -nostdlib -no-pie -Wl,--build-id=none \
		-Wl,-z,noexecstack -Wl,--no-warn-rwx-segments \
		-T tools/lab/guest/payload.lds -o $@ $<

$(LAB_GUEST_DIR)/payload.bin: $(LAB_GUEST_DIR)/payload.elf
	$(Q)objcopy -O binary $< $@

$(LAB_GUEST_DIR)/blob.o: tools/lab/guest/blob.S $(LAB_GUEST_DIR)/payload.bin
	$(Q)$(CC) -DPAYLOAD_BIN='"$(LAB_GUEST_DIR)/payload.bin"' -c -o $@ $<

-include $(wildcard $(LAB_GUEST_DIR)/*.d)
