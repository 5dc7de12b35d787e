# SPDX-License-Identifier: GPL-2.0
# The whole build, not recursive. 'make help' lists the targets.

VERSION	:= 0.1.0
O	?= build
PREFIX	?= /usr/local
BINDIR	?= $(PREFIX)/bin
MANDIR	?= $(PREFIX)/share/man

CC	?= cc
CLANG	?= clang
BPFTOOL	?= bpftool
SCDOC	?= scdoc
INSTALL	?= install

# bpftool lives in /usr/sbin on some systems, which an ordinary user's PATH lacks.
export PATH := $(PATH):/usr/sbin:/sbin

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s%s\n' '$(1)' '$(patsubst ./%,%,$(2))'
endif

all: $(O)/mmuscope mmuscope
.PHONY: all

# ---------------------------------------------------------------- packages
# What the named targets need. Targets that promise to run on a fresh machine
# install it, the others only say what is missing.
GOALS := $(or $(MAKECMDGOALS),all)
DEPS_GROUPS := build $(if $(filter check% deps,$(GOALS)),test) \
	$(if $(filter demo check check-lab check-debug bench deps,$(GOALS)),lab) \
	$(if $(filter check-debug,$(GOALS)),debug) \
	$(if $(filter bench,$(GOALS)),bench) $(if $(filter style deps,$(GOALS)),style)
DEPS_MODE := $(if $(filter demo check% bench style deps,$(GOALS)),install,check)

.PHONY: deps
deps:
	@tools/deps.sh $(DEPS_MODE) $(DEPS_GROUPS)

# ------------------------------------------------------------------- flags
WARNINGS := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	$(if $(WERROR),-Werror)
CFLAGS	?= -O2 -g
DEFINES	:= -D_GNU_SOURCE -DMMUSCOPE_VERSION='"$(VERSION)"'
INCLUDES := -Iinclude -Iuser -Ibpf -I$(O)/bpf
USER_CFLAGS = -std=gnu11 $(WARNINGS) $(DEFINES) $(INCLUDES) $(CFLAGS)
SAN_CFLAGS = $(USER_CFLAGS) -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all
USER_LIBS := -lbpf -lelf -lz -ljansson -lm

MULTIARCH = $(shell $(CC) -print-multiarch 2>/dev/null)
BPF_WARNINGS := -Wall $(if $(WERROR),-Werror)
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v2 -D__TARGET_ARCH_x86 -Iinclude -Ibpf $(BPF_WARNINGS)

# A file that changes when its text does: what depends on it is made anew when
# flags change or a source file comes or goes.
define remember
$(1): FORCE
	@mkdir -p $$(@D)
	@printf '%s\n' $$(call quote,$(2)) | cmp -s - $$@ || printf '%s\n' $$(call quote,$(2)) > $$@
endef
quote = '$(subst ','\'',$(1))'
FORCE:
.PHONY: FORCE

# --------------------------------------------------------------------- BPF
# Objects named in BPF_ALONE get a skeleton of their own (NAME.bpf.c ->
# NAME.skel.h), the others are linked into one, mmuscope.skel.h.
BPF_ALONE :=
BPF_SOURCES := $(wildcard bpf/*.bpf.c)
BPF_STEMS := $(patsubst bpf/%.bpf.c,%,$(BPF_SOURCES))
BPF_LINKED := $(filter-out $(BPF_ALONE),$(BPF_STEMS))
SKELETONS := $(patsubst %,$(O)/bpf/%.skel.h,$(if $(BPF_LINKED),mmuscope) \
	$(filter $(BPF_ALONE),$(BPF_STEMS)))

$(eval $(call remember,$(O)/bpf.flags,$(CLANG) $(BPF_CFLAGS)))
$(eval $(call remember,$(O)/bpf.list,$(BPF_LINKED)))

$(O)/bpf/%.bpf.o: bpf/%.bpf.c $(O)/bpf.flags | deps
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) $(addprefix -I/usr/include/,$(MULTIARCH)) -MMD -MP -c $< -o $@

$(O)/bpf/linked/mmuscope.o: $(BPF_LINKED:%=$(O)/bpf/%.bpf.o) $(O)/bpf.list
	$(call say,BPFLINK,$@)
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen object $@ $(filter %.bpf.o,$^)

$(O)/bpf/mmuscope.skel.h: $(O)/bpf/linked/mmuscope.o
$(filter-out %/mmuscope.skel.h,$(SKELETONS)): $(O)/bpf/%.skel.h: $(O)/bpf/%.bpf.o
$(SKELETONS):
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $(patsubst %.skel.h,%_bpf,$(@F)) > $@

# -------------------------------------------------------------- user space
USER_SOURCES := $(filter-out user/main.c,$(wildcard user/*.c user/*/*.c))
USER_OBJECTS := $(USER_SOURCES:%.c=$(O)/%.o)
SAN_OBJECTS := $(USER_SOURCES:%.c=$(O)/san/%.o)

$(eval $(call remember,$(O)/user.flags,$(CC) $(USER_CFLAGS)))
$(eval $(call remember,$(O)/san.flags,$(CC) $(SAN_CFLAGS)))
$(eval $(call remember,$(O)/user.list,$(USER_SOURCES)))

# Skeletons must exist before the first compilation; from then on the .d files
# know who includes them.
$(filter $(O)/user/source/%,$(USER_OBJECTS)): | $(SKELETONS)
$(filter $(O)/san/user/source/%,$(SAN_OBJECTS)): | $(SKELETONS)

$(O)/user/%.o: user/%.c $(O)/user.flags | deps
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) -MMD -MP -c $< -o $@

$(O)/san/%.o: %.c $(O)/san.flags | deps
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SAN_CFLAGS) -MMD -MP -c $< -o $@

$(O)/libmmuscope.a: $(USER_OBJECTS) $(O)/user.list
$(O)/san/libmmuscope.a: $(SAN_OBJECTS) $(O)/user.list
%/libmmuscope.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(O)/mmuscope: $(O)/user/main.o $(O)/libmmuscope.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(USER_LIBS) -o $@

# The README says ./mmuscope. Always made: it may point to another O.
.PHONY: mmuscope
mmuscope: $(O)/mmuscope
	$(Q)ln -sfn $< $@

# ------------------------------------------------------------------- tests
UNIT_TESTS := $(patsubst tests/unit/%.c,$(O)/san/tests/unit/%,$(wildcard tests/unit/test_*.c))
export O
export MMUSCOPE = $(abspath $(O)/mmuscope)

$(UNIT_TESTS): $(O)/san/tests/unit/%: $(O)/san/tests/unit/%.o $(O)/san/libmmuscope.a
	$(call say,LD,$@)
	$(Q)$(CC) $(SAN_CFLAGS) $(LDFLAGS) $^ -lcmocka $(USER_LIBS) -o $@

# Judges what the jobs of the lab leave behind.
LAB_CHECK := $(O)/san/tests/lab/check
LAB_CHECK_OBJECTS := $(patsubst %.c,$(O)/san/%.o,$(wildcard tests/lab/*.c))

$(LAB_CHECK): $(LAB_CHECK_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(SAN_CFLAGS) $(LDFLAGS) $^ -lcmocka -ljansson -o $@

GUEST := $(O)/tools/lab/guest/mmuscope-guest
-include tools/lab/build.mk
$(sort $(LAB_GUEST_OBJ) $(LAB_GUEST_DIR)/payload.o): | deps

.PHONY: check check-unit check-cli check-lab check-debug
check: deps
	@+tests/run.sh '$(MAKE)' unit cli lab

check-unit: deps $(UNIT_TESTS)
	@tests/unit/run.sh $(UNIT_TESTS)

check-cli: deps $(O)/mmuscope
	@tests/cli/run.sh

check-lab: deps $(O)/mmuscope $(GUEST) $(LAB_CHECK)
	@tests/lab/run.sh

# Not part of check: the first time it builds a kernel.
check-debug: deps $(O)/mmuscope $(GUEST) $(LAB_CHECK)
	@tools/lab/lab prepare --kernel debug
	@tests/lab/run.sh --kernel debug

# ----------------------------------------------------- demonstration, bench
BENCH := $(patsubst %.c,$(O)/%,$(wildcard tools/bench/*.c))
DEMO := $(patsubst %.c,$(O)/%,$(wildcard tools/demo/*.c))
TOOLS := $(BENCH) $(DEMO)

$(TOOLS:%=%.o): $(O)/%.o: %.c $(O)/user.flags | deps
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) -MMD -MP -c $< -o $@

$(TOOLS): %: %.o $(O)/libmmuscope.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(USER_LIBS) -o $@

.PHONY: demo bench style
demo: deps all $(DEMO) $(GUEST)
	@tools/demo.sh

bench: deps all $(BENCH) $(GUEST)
	@tools/bench/run.sh

style: deps
	@tools/style.sh

# ------------------------------------------------------ man pages, install
MAN := $(patsubst docs/%.scd,$(O)/docs/%,$(wildcard docs/*.1.scd))

$(O)/docs/%: docs/%.scd | deps
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)$(SCDOC) < $< > $@

.PHONY: man install uninstall
man: $(MAN)

install: $(O)/mmuscope $(MAN)
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1
	$(INSTALL) -m 755 $(O)/mmuscope $(DESTDIR)$(BINDIR)/mmuscope
	$(INSTALL) -m 644 $(MAN) $(DESTDIR)$(MANDIR)/man1/

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/mmuscope $(patsubst $(O)/docs/%,$(DESTDIR)$(MANDIR)/man1/%,$(MAN))

# -------------------------------------------------------------------- rest
.PHONY: clean help
clean:
	rm -rf $(O) mmuscope

help:
	@printf '%s\n' \
	'make             build ./mmuscope' \
	'make demo        build all, trace guests under NPT and shadow paging in the lab' \
	'make check       every test: check-unit, check-cli, check-lab' \
	'make check-unit  unit tests, with the address and undefined-behaviour sanitizers' \
	'make check-cli   the command line, as a user sees it' \
	'make check-lab   the tool on real KVM in emulated machines' \
	'make check-debug the same in a kernel that looks for bugs, which is built once' \
	'make bench       what tracing costs' \
	'make style       format, shell scripts, spelling, lengths' \
	'make man         man pages, in $(O)/docs' \
	'make install     to PREFIX=$(PREFIX), below DESTDIR when set; uninstall takes it away' \
	'make deps        install the packages that all this needs' \
	'make clean       remove $(O)/' \
	'' \
	'demo, check, bench, style and deps install missing packages when run as root.' \
	'V=1 shows the commands, O=DIR builds elsewhere, WERROR=1 makes warnings errors.'

# Keep objects of tests: make would remove them as intermediate files.
.SECONDARY:

-include $(USER_OBJECTS:.o=.d) $(SAN_OBJECTS:.o=.d) $(O)/user/main.d
-include $(LAB_CHECK_OBJECTS:.o=.d)
-include $(BPF_STEMS:%=$(O)/bpf/%.bpf.d) $(UNIT_TESTS:%=%.d) $(TOOLS:%=%.d)
