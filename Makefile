# SPDX-License-Identifier: GPL-2.0
# The whole build, not recursive. 'make help' lists the targets.

VERSION	:= 0.1.0
O	?= build
PREFIX	?= /usr/local
BINDIR	?= $(PREFIX)/bin
MANDIR	?= $(PREFIX)/share/man
# Where bash looks, seen from the man pages.
COMPDIR	?= $(dir $(MANDIR))bash-completion/completions
# mmuscope looks for it as ../libexec, seen from where it is itself.
LABDIR	= $(dir $(patsubst %/,%,$(BINDIR)))libexec/mmuscope/lab

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
	$(if $(filter demo figures screenshot check check-lab check-same check-causes check-matrix check-debug bench deps,$(GOALS)),lab) \
	$(if $(filter check-debug,$(GOALS)),debug) \
	$(if $(filter deb check check-cli deps,$(GOALS)),deb) \
	$(if $(filter screenshot check check-browser deps,$(GOALS)),browser) \
	$(if $(filter fuzz deps,$(GOALS)),fuzz) $(if $(filter bench,$(GOALS)),bench) $(if $(filter style deps,$(GOALS)),style)
DEPS_MODE := $(if $(filter demo figures screenshot check% bench deb fuzz style deps,$(GOALS)),install,check)

.PHONY: deps
deps:
	@tools/deps.sh $(DEPS_MODE) $(DEPS_GROUPS)

# ------------------------------------------------------------------- flags
WARNINGS := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	$(if $(WERROR),-Werror)
CFLAGS	?= -O3 -g
# A record passes through a dozen small functions of half as many files.
LTO	?= -flto=auto
DEFINES	:= -D_GNU_SOURCE -DMMUSCOPE_VERSION='"$(VERSION)"'
INCLUDES := -Iinclude -Iuser -Ibpf -I$(O)/bpf
USER_CFLAGS = -std=gnu11 $(WARNINGS) $(DEFINES) $(INCLUDES) $(CFLAGS)
SAN_CFLAGS = $(USER_CFLAGS) -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all
USER_LIBS := -lbpf -lelf -lz -lzstd -ljansson -lncursesw -lm

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
BPF_ALONE := peek
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

$(eval $(call remember,$(O)/user.flags,$(CC) $(USER_CFLAGS) $(LTO)))
$(eval $(call remember,$(O)/san.flags,$(CC) $(SAN_CFLAGS)))
$(eval $(call remember,$(O)/user.list,$(USER_SOURCES)))

# Skeletons must exist before the first compilation; from then on the .d files
# know who includes them.
$(filter $(O)/user/source/%,$(USER_OBJECTS)): | $(SKELETONS)
$(filter $(O)/san/user/source/%,$(SAN_OBJECTS)): | $(SKELETONS)

$(O)/user/%.o: user/%.c $(O)/user.flags | deps
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) $(LTO) -MMD -MP -c $< -o $@

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
	$(Q)$(CC) $(CFLAGS) $(LTO) $(LDFLAGS) $^ $(USER_LIBS) -o $@

# The README says ./mmuscope. Always made: it may point to another O.
.PHONY: mmuscope
mmuscope: $(O)/mmuscope
	$(Q)ln -sfn $< $@
	$(Q)ln -sfn $(abspath tools/lab) $(O)/lab

# ----------------------------------------------------------- kernel module
# Built in a folder of its own for each kernel, from links to the sources: Kbuild
# writes beside them.
KDIR	?= /lib/modules/$(shell uname -r)/build
KRELEASE = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null)
KMOD_DIR = $(O)/kmod/$(KRELEASE)
# Kernels of the lab for which 'make lab-modules' builds it.
LAB_MODULE_KERNELS ?= 6.1
# O= of ours is not the kernel's, which may lie apart from its Makefile.
# Types of the module for eBPF are not needed, and making them needs one more tool.
# sparse where SPARSE=1.
KMOD_MAKE = $(MAKE) --no-print-directory $(if $(V),,-s) -C $(KDIR) M=$(abspath $(KMOD_DIR)) \
	O=$(realpath $(KDIR)) MMUSCOPE_TOP=$(abspath .) CONFIG_DEBUG_INFO_BTF_MODULES= \
	$(if $(WERROR),KCFLAGS=-Werror) $(if $(SPARSE),C=2) CC=$(CC) $(KMOD_LACKS)
# What the kernel's compiler could do and ours, an older one, cannot.
KMOD_LACKS = $(if $(shell $(CC) -fmin-function-alignment=16 -E -x c /dev/null 2>&1 >/dev/null), \
	CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=)

.PHONY: modules modules_install lab-modules
need_headers = @[ -n "$(KRELEASE)" ] || { echo "$@: there are no kernel headers in $(KDIR):" \
		"install linux-headers-$$(uname -r), or say KDIR=" >&2; exit 1; }
modules:
	$(need_headers)
	$(call say,KMOD,$(KMOD_DIR)/mmuscope.ko)
	$(Q)mkdir -p $(KMOD_DIR)/configure
	$(Q)ln -sfn $(abspath kmod)/*.[chS] $(abspath kmod)/Kbuild $(KMOD_DIR)/
	$(Q)ln -sfn $(abspath kmod)/configure/*.c $(KMOD_DIR)/configure/
	$(Q)+$(KMOD_MAKE) modules

modules_install: modules
	$(Q)+$(KMOD_MAKE) modules_install

# For every kernel that has headers here, and those that will be installed. DKMS signs with
# its own key.
DKMS_DIR = $(DESTDIR)/usr/src/mmuscope-$(VERSION)
DKMS_KERNELS ?= $(patsubst /lib/modules/%/build,%,$(wildcard /lib/modules/*/build))
.PHONY: dkms-install dkms-uninstall
dkms-install:
	$(INSTALL) -d $(DKMS_DIR)/kmod/configure $(DKMS_DIR)/include/mmuscope
	$(INSTALL) -m 644 kmod/*.[chS] kmod/Kbuild $(DKMS_DIR)/kmod/
	$(INSTALL) -m 644 kmod/configure/*.c $(DKMS_DIR)/kmod/configure/
	$(INSTALL) -m 644 include/mmuscope/* $(DKMS_DIR)/include/mmuscope/
	sed 's/@VERSION@/$(VERSION)/' kmod/dkms.conf > $(DKMS_DIR)/dkms.conf
ifeq ($(DESTDIR),)
	@[ -n '$(DKMS_KERNELS)' ] || { echo "dkms-install: there are no kernel headers in" \
		"/lib/modules: install linux-headers-$$(uname -r)" >&2; exit 1; }
	! dkms status -m mmuscope -v $(VERSION) | grep -q . || \
		dkms remove -m mmuscope -v $(VERSION) --all
	dkms add -m mmuscope -v $(VERSION)
	set -e; for k in $(DKMS_KERNELS); do dkms install -m mmuscope -v $(VERSION) -k $$k; done
	@echo 'Where Secure Boot is on, have the firmware trust the key that DKMS signs with:' \
		'mokutil --import /var/lib/dkms/mok.pub'
endif

dkms-uninstall:
	$(if $(DESTDIR),,dkms remove -m mmuscope -v $(VERSION) --all)
	rm -rf $(DKMS_DIR)

lab-modules:
	@+set -e; for v in $(LAB_MODULE_KERNELS); do \
		dir=$$(tools/lab/lab headers --kernel $$v); \
		flock $(O)/kmod.lock $(MAKE) --no-print-directory modules KDIR=$$dir; \
	done

# What guests cannot bring about by themselves: a module for the lab's kernels.
.PHONY: provoke
provoke: KMOD_DIR = $(O)/tests/causes/provoke/$(KRELEASE)
provoke:
	$(need_headers)
	$(call say,KMOD,$(KMOD_DIR)/provoke.ko)
	$(Q)mkdir -p $(KMOD_DIR)
	$(Q)ln -sfn $(abspath tests/causes/provoke)/* $(KMOD_DIR)/
	$(Q)+$(KMOD_MAKE) modules

# ------------------------------------------------------------------- tests
UNIT_TESTS := $(patsubst tests/unit/%.c,$(O)/san/tests/unit/%,$(wildcard tests/unit/test_*.c))
export O
export MMUSCOPE = $(abspath $(O)/mmuscope)

$(UNIT_TESTS): $(O)/san/tests/unit/%: $(O)/san/tests/unit/%.o $(O)/san/libmmuscope.a
	$(call say,LD,$@)
	$(Q)$(CC) $(SAN_CFLAGS) $(LDFLAGS) $^ -lcmocka $(USER_LIBS) -o $@

# Fuzz targets. Built with clang for 'make fuzz'; what they begin with is also replayed
# by check-unit, with the other compiler and sanitizers.
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ := $(FUZZ_NAMES:%=$(O)/fuzz/%)
FUZZ_CFLAGS = $(USER_CFLAGS) -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all \
	-fsanitize=fuzzer-no-link,address,undefined
FUZZ_SOURCES := $(filter user/file/% user/lib/% user/model/% user/source/file.c,$(USER_SOURCES))
FUZZ_OBJECTS := $(FUZZ_SOURCES:%.c=$(O)/fuzz/%.o) $(FUZZ_NAMES:%=$(O)/fuzz/tests/fuzz/fuzz_%.o)
REPLAYS := $(FUZZ_NAMES:%=$(O)/san/tests/fuzz/replay_%)

$(FUZZ_OBJECTS): $(O)/fuzz/%.o: %.c $(O)/user.flags | deps
	$(call say,FUZZCC,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -Itests/fuzz -MMD -MP -c $< -o $@

$(FUZZ): $(O)/fuzz/%: $(O)/fuzz/tests/fuzz/fuzz_%.o $(FUZZ_SOURCES:%.c=$(O)/fuzz/%.o)
	$(call say,LD,$@)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined $^ $(USER_LIBS) -o $@

$(REPLAYS): $(O)/san/tests/fuzz/replay_%: $(O)/san/tests/fuzz/fuzz_%.o tests/fuzz/replay.c \
		$(O)/san/libmmuscope.a
	$(call say,LD,$@)
	$(Q)$(CC) $(SAN_CFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus-$*"' $(LDFLAGS) $^ $(USER_LIBS) \
		-o $@

.PHONY: fuzz
fuzz: deps $(FUZZ)
	@tests/fuzz/run.sh $(FUZZ)

# Judges what the jobs of the lab leave behind.
LAB_CHECK := $(O)/san/tests/lab/check
LAB_CHECK_OBJECTS := $(patsubst %.c,$(O)/san/%.o,$(wildcard tests/lab/*.c))

$(LAB_CHECK): $(LAB_CHECK_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(SAN_CFLAGS) $(LDFLAGS) $^ -lcmocka -ljansson -o $@

# Programs that run inside the lab: records of a collector, and bad manners.
SAME := $(O)/tests/same/records
LAB_TOOLS := $(O)/tests/lab/tools/hostile $(O)/tests/lab/tools/session
OLDER := $(O)/tests/lab/tools/older.so
HOSTILE := $(LAB_TOOLS) $(OLDER)

$(SAME).o $(LAB_TOOLS:%=%.o): $(O)/%.o: %.c $(O)/user.flags | deps
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) -MMD -MP -c $< -o $@

$(SAME) $(LAB_TOOLS): %: %.o $(O)/libmmuscope.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LTO) $(LDFLAGS) $^ $(USER_LIBS) -o $@

$(OLDER): $(O)/%.so: %.c $(O)/user.flags | deps
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) -MMD -MP -fPIC -shared $< -o $@

GUEST := $(O)/tools/lab/guest/mmuscope-guest
-include tools/lab/build.mk
$(sort $(LAB_GUEST_OBJ) $(LAB_GUEST_DIR)/payload.o): | deps

# Says what screenshots show.
PICTURE := $(O)/tests/browser/picture

$(PICTURE).o: $(O)/%.o: %.c $(O)/user.flags | deps
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) -MMD -MP -c $< -o $@

$(PICTURE): %: %.o
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ -lpng -o $@

.PHONY: check check-built check-unit check-cli check-browser check-lab check-same check-causes \
	check-matrix check-debug
# Within 20 minutes, for which the Intel machine is too slow; LAB_ARGS=' ' has it too.
check: deps
	@+LAB_ARGS='$(or $(LAB_ARGS),--machine amd)' tests/run.sh '$(MAKE)' \
		unit cli browser lab+causes+same

# All that suites which run side by side need, so that no two of them build it.
check-built: deps mmuscope $(GUEST) $(LAB_CHECK) $(SAME) $(HOSTILE) lab-modules
	@+$(MAKE) --no-print-directory provoke KDIR=$$(tools/lab/lab headers)

check-unit: deps $(UNIT_TESTS) $(REPLAYS)
	@tests/unit/run.sh $(UNIT_TESTS) $(REPLAYS)

check-cli: deps mmuscope $(GUEST)
	@tests/cli/run.sh

check-browser: deps mmuscope $(PICTURE)
	@tests/cli/run.sh browser

check-lab: deps mmuscope $(GUEST) $(LAB_CHECK) $(SAME) $(HOSTILE) lab-modules
	@tests/lab/run.sh $(LAB_ARGS)

# CHECK_KERNELS and CHECK_MACHINES choose, as for check-matrix; the slow machine when asked for.
check-same: deps $(SAME) $(GUEST)
	@+$(MAKE) --no-print-directory lab-modules \
		LAB_MODULE_KERNELS='$(or $(CHECK_KERNELS),$(LAB_MODULE_KERNELS))'
	@CHECK_KERNELS='$(or $(CHECK_KERNELS),$(LAB_MODULE_KERNELS))' \
		CHECK_MACHINES='$(or $(CHECK_MACHINES),amd)' tests/same/run.sh

check-causes: deps $(O)/mmuscope $(GUEST) lab-modules
	@+flock $(O)/kmod.lock $(MAKE) --no-print-directory provoke KDIR=$$(tools/lab/lab headers)
	@tests/causes/run.sh

# Not part of check: up to an hour. CHECK_KERNELS, CHECK_MACHINES, CHECK_COLLECTORS choose.
check-matrix: deps mmuscope $(GUEST) $(LAB_CHECK) $(SAME) $(HOSTILE)
	@+tests/lab/matrix.sh '$(MAKE)'

# Not part of check: the first time it builds a kernel.
check-debug: deps $(O)/mmuscope $(GUEST) $(LAB_CHECK) $(SAME) $(HOSTILE)
	@tools/lab/lab prepare --kernel debug
	@+$(MAKE) --no-print-directory lab-modules LAB_MODULE_KERNELS=debug
	@tests/lab/run.sh --kernel debug

# ----------------------------------------------------- demonstration, bench
BENCH := $(patsubst %.c,$(O)/%,$(wildcard tools/bench/*.c))
TOOLS := $(BENCH)

$(TOOLS:%=%.o): $(O)/%.o: %.c $(O)/user.flags | deps
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) $(LTO) -MMD -MP -c $< -o $@

$(TOOLS): %: %.o $(O)/libmmuscope.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LTO) $(LDFLAGS) $^ $(USER_LIBS) -o $@

.PHONY: demo figures screenshot bench style
demo: deps all $(GUEST)
	@$(O)/mmuscope lab run --machine amd,intel --html $(O)/demo.html
	@echo 'The same with pictures: $(O)/demo.html' >&2

# What docs/paging.md shows is measured anew.
figures: deps all $(GUEST)
	@tools/figures.sh $(O)/figures

# The one in README.md.
screenshot: deps all $(GUEST)
	@tools/screenshot.sh $(O)/screenshot

bench: deps all $(BENCH) $(GUEST) lab-modules
	@tools/bench/run.sh

style: deps
	@tools/style.sh

# ------------------------------------------------------ man pages, install
MAN := $(patsubst docs/%.scd,$(O)/docs/%,$(wildcard docs/*.1.scd))

$(O)/docs/%: docs/%.scd | deps
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)$(SCDOC) < $< > $@

.PHONY: man install uninstall deb
man: $(MAN)

install: $(O)/mmuscope $(MAN) $(GUEST)
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1
	$(INSTALL) -m 755 $(O)/mmuscope $(DESTDIR)$(BINDIR)/mmuscope
	$(INSTALL) -m 644 $(MAN) $(DESTDIR)$(MANDIR)/man1/
	$(INSTALL) -d $(DESTDIR)$(COMPDIR)
	$(INSTALL) -m 644 tools/completion.bash $(DESTDIR)$(COMPDIR)/mmuscope
	$(INSTALL) -d $(addprefix $(DESTDIR)$(LABDIR)/,boot inside jobs)
	$(INSTALL) -m 755 tools/lab/lab tools/lab/host.sh $(GUEST) $(DESTDIR)$(LABDIR)/
	$(INSTALL) -m 644 $(filter-out %/host.sh,$(wildcard tools/lab/*.sh)) $(DESTDIR)$(LABDIR)/
	$(INSTALL) -m 644 tools/lab/boot/*.S $(DESTDIR)$(LABDIR)/boot/
	$(INSTALL) -m 644 tools/lab/inside/* $(DESTDIR)$(LABDIR)/inside/
	$(INSTALL) -m 644 tools/lab/jobs/measure.sh $(DESTDIR)$(LABDIR)/jobs/

uninstall:
	rm -rf $(DESTDIR)$(LABDIR)
	rm -f $(DESTDIR)$(BINDIR)/mmuscope $(DESTDIR)$(COMPDIR)/mmuscope $(patsubst $(O)/docs/%,$(DESTDIR)$(MANDIR)/man1/%,$(MAN))

deb: deps all $(MAN) $(GUEST)
	@tools/deb/build.sh $(VERSION) $(abspath $(O))/deb

# -------------------------------------------------------------------- rest
.PHONY: clean help
clean:
	rm -rf $(O) mmuscope

help:
	@printf '%s\n' \
	'make             build ./mmuscope' \
	'make demo        build all, run guests under EPT, NPT and shadow paging in the lab' \
	'make figures     measure anew what docs/paging.md shows' \
	'make screenshot  the picture in README.md, of VMs in the lab' \
	'make check       check-unit, check-cli, check-browser, check-lab (the AMD machine),' \
	'                 check-same, check-causes' \
	'make check-unit  unit tests, with the address and undefined-behaviour sanitizers' \
	'make check-cli   the command line, as a user sees it' \
	'make check-browser  pages and pictures, in chromium' \
	'make check-lab   the tool on real KVM in emulated machines' \
	'make fuzz        recordings and expressions made of anything, for FUZZ_SECONDS=600' \
	'make check-same  eBPF and the kernel module record the same; CHECK_KERNELS="5.10 6.1"' \
	'make check-causes who took the memory away: guests with one known reason each' \
	'make modules     the kernel module, for KDIR=$(KDIR); modules_install' \
	'make dkms-install  have DKMS build it for every kernel; dkms-uninstall' \
	'make check-matrix  check-lab on every kernel: CHECK_KERNELS="5.10 6.1 6.12 newest"' \
	'make check-debug the same in a kernel that looks for bugs, which is built once' \
	'make bench       what tracing costs' \
	'make style       format, shell scripts, spelling, lengths' \
	'make man         man pages, in $(O)/docs' \
	'make install     to PREFIX=$(PREFIX), below DESTDIR when set; uninstall takes it away' \
	'make deb         Debian packages, in $(O)/deb' \
	'make deps        install the packages that all this needs' \
	'make clean       remove $(O)/' \
	'' \
	'demo, figures, check, bench, style and deps install missing packages when run as root.' \
	'V=1 shows the commands, O=DIR builds elsewhere, WERROR=1 makes warnings errors.'

# Keep objects of tests: make would remove them as intermediate files.
.SECONDARY:

-include $(USER_OBJECTS:.o=.d) $(SAN_OBJECTS:.o=.d) $(O)/user/main.d
-include $(LAB_CHECK_OBJECTS:.o=.d) $(FUZZ_OBJECTS:.o=.d) $(FUZZ_NAMES:%=$(O)/san/tests/fuzz/fuzz_%.d)
-include $(SAME).d $(LAB_TOOLS:%=%.d) $(OLDER:.so=.d) $(PICTURE).d
-include $(BPF_STEMS:%=$(O)/bpf/%.bpf.d) $(UNIT_TESTS:%=%.d) $(TOOLS:%=%.d)
