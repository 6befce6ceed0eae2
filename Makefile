# SPDX-License-Identifier: MIT
# Makefile - build, test and install upframe (GNU make 4). Start: `make help`.

# ---- What you may set: make CC=clang CFLAGS=-O3 PREFIX=$HOME/.local ... ----

#? CC=cc               compiler of library, examples and tests
#? CFLAGS='-O2 -g'     its flags; beside them CPPFLAGS, LDFLAGS, LDLIBS
#? PREFIX=/usr/local   where `install` puts it; LIBDIR, INCLUDEDIR: parts of it
#? DESTDIR=            in front of these when a package is made
#? BUILD=build         where everything is built: relative, without blanks
#? WERROR=1            every warning is an error
#? V=1                 every command is shown in full
#? TLS=0               examples without OpenSSL; TLS=1: not without it
#? TLS_CFLAGS= TLS_LIBS=  OpenSSL, where it is in no usual place
#? SANITIZE=           the tests without sanitizers, or with others
#? RUN=qemu-s390x      what runs C tests that were built for another machine
#? GCC=gcc CLANG=clang what coverage and fuzzers are compiled with
#? CMOCKA_CFLAGS= CMOCKA_LIBS=  cmocka, where pkg-config does not know it

BUILD ?= build

# What is installed is what was built, as the last run was told to build it.
SETTINGS := CC CPPFLAGS CFLAGS LDFLAGS LDLIBS WERROR TLS TLS_CFLAGS TLS_LIBS \
            SANITIZE GCC CLANG
ifeq ($(strip $(MAKECMDGOALS)),install)
-include $(BUILD)/settings
endif

CFLAGS     ?= -O2 -g
SANITIZE   ?= -fsanitize=address,undefined -fno-sanitize-recover=all
PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
GCC        ?= gcc
CLANG      ?= clang

ifndef TLS
TLS := $(shell printf '\043include <openssl/ssl.h>\n' | \
         $(CC) $(CPPFLAGS) -E - >/dev/null 2>&1 && echo 1)
endif

# ---- What is there ---------------------------------------------------------

EXAMPLES := echo_server broadcast_server echo_client reconnect_client echo_epoll

# echo_epoll is for Linux: it is built where there is epoll.
has_epoll := $(shell printf '\043include <sys/epoll.h>\n' | \
               $(CC) $(CPPFLAGS) -E - >/dev/null 2>&1 && echo 1)
example_sources := $(filter-out $(if $(has_epoll),,examples/echo_epoll.c),\
                     $(sort $(wildcard examples/*.c)))
programs        := $(filter $(EXAMPLES:%=examples/%.c),$(example_sources))
helpers         := $(filter-out $(programs),$(example_sources))
fuzz_entries    := $(sort $(wildcard fuzz/fuzz_*.c))
fuzz_helpers    := $(filter-out $(fuzz_entries) fuzz/replay.c,\
                     $(sort $(wildcard fuzz/*.c)))
fuzz_support    := tests/support/testext.c tests/support/blob.c
test_sources    := $(sort $(wildcard tests/test_*.c))
test_scripts    := $(sort $(wildcard tests/test_*.sh))
checks          := $(sort $(wildcard tests/tools/check_*.sh))
pages           := $(sort $(wildcard examples/pages/*.html))
guide_programs  := server client poll_server
guide_pieces    := completion send_file echo_chunk serve_in_time

# The objects of SOURCES in one TREE: $(call objects,TREE,SOURCES). A tree is
# a directory under $(BUILD) whose objects share one set of compiler flags.
objects = $(patsubst %.c,$(BUILD)/$(1)/%.o,$(2))

src             := $(sort $(wildcard src/*.c src/*/*.c))
kernel_choice   := tests/support/kernel_choice.c
support         := $(filter-out $(kernel_choice),\
                     $(sort $(wildcard tests/support/*.c)))
library         := $(BUILD)/libupframe.a
example_bins    := $(programs:%.c=$(BUILD)/%)
test_bins       := $(test_sources:%.c=$(BUILD)/asan/%)
kernel_names    := $(BUILD)/asan/tests/tools/kernel_names
asan_examples   := $(programs:%.c=$(BUILD)/asan/%)
replay_bins     := $(fuzz_entries:%.c=$(BUILD)/asan/%)
coverage_bins   := $(test_sources:%.c=$(BUILD)/coverage/%)
replay_coverage := $(fuzz_entries:%.c=$(BUILD)/coverage/%)
fuzz_bins       := $(fuzz_entries:%.c=$(BUILD)/fuzz/%)
page_headers    := $(pages:%.html=$(BUILD)/%_html.h)
guide_code      := $(patsubst %,$(BUILD)/guide/%.c,\
                     $(guide_programs) $(guide_pieces) fragments)
guide_bins      := $(guide_programs:%=$(BUILD)/asan/guide/%)

# ---- Flags -----------------------------------------------------------------

needed := -std=c11 -Iinclude -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
          -Wundef $(if $(filter-out 0,$(WERROR)),-Werror)

ifneq ($(filter-out 0,$(TLS)),)
TLS_CFLAGS ?= -DEXAMPLE_TLS
TLS_LIBS   ?= -lssl -lcrypto
endif

# Asked when a test is compiled, not before: `make deps test` installs first.
CMOCKA_CFLAGS ?= $(shell pkg-config --cflags cmocka 2>/dev/null)
CMOCKA_LIBS   ?= $(or $(shell pkg-config --libs cmocka 2>/dev/null),-lcmocka)

# What the sources of one directory need beside that. The library needs
# nothing: it compiles bare, so that it can be copied into any tree.
posix          := -D_POSIX_C_SOURCE=200809L
flags_src      :=
flags_examples := $(posix) -I$(BUILD)/examples/pages $(TLS_CFLAGS)
flags_tests     = $(posix) -Isrc -Itests -Iexamples -I$(BUILD) \
                  $(CMOCKA_CFLAGS)
flags_fuzz     := $(posix) -Isrc -Itests

asan_flags     := -O1 -g $(SANITIZE) -fno-omit-frame-pointer
coverage_flags := -O0 -g -DNDEBUG
fuzz_flags     := -O1 -g -fsanitize=address,undefined \
                  -fno-sanitize-recover=all -fno-omit-frame-pointer

Q := $(if $(V),,@)

# $(call compile,COMPILER,FLAGS): one source into one object.
define compile
@mkdir -p $(@D)
@echo '  CC    $@'
$(Q)$(1) $(needed) $(flags_$(firstword $(subst /, ,$<))) $(CPPFLAGS) $(2) \
    -MMD -MP -c -o $@ $<
endef

# $(call link,COMPILER,FLAGS,LIBRARIES): the prerequisites into one program.
define link
@mkdir -p $(@D)
@echo '  LINK  $@'
$(Q)$(1) $(2) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(3) $(LDLIBS)
endef

# ---- Library and examples --------------------------------------------------

all: $(library) $(example_bins) ## the library and the examples (the default)

lib: $(library) ## the library alone: build/libupframe.a

$(library): $(call objects,obj,$(src))

$(BUILD)/obj/libexamples.a: $(call objects,obj,$(helpers))

$(example_bins): $(BUILD)/examples/%: $(BUILD)/obj/examples/%.o \
                 $(BUILD)/obj/libexamples.a $(library)
	$(call link,$(CC),$(CFLAGS),$(TLS_LIBS))

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	$(call compile,$(CC),$(CFLAGS))

%.a:
	@mkdir -p $(@D)
	@echo '  AR    $@'
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# A page becomes `static const char NAME_html[]`, NUL at its end. Character
# constants and not one string: ISO C promises no literal over 4095 bytes.
$(BUILD)/examples/pages/%_html.h: examples/pages/%.html Makefile
	@mkdir -p $(@D)
	@echo '  PAGE  $@'
	$(Q){ echo '/* From $<; do not edit. */'; \
	      echo 'static const char $(subst -,_,$*)_html[] = {'; \
	      od -An -v -tx1 $< | sed "s/ *\([0-9a-f][0-9a-f]\)/'\\\\x\1',/g"; \
	      echo '0};'; } >$@

example_objects := $(foreach tree,obj asan coverage,\
                     $(call objects,$(tree),$(example_sources)))
$(example_objects): | $(page_headers)

# Rewritten only when it changes, so a new compiler or flag rebuilds all.
$(BUILD)/flags: export UPF_FLAGS = $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) \
    $(LDLIBS) $(needed) $(TLS_CFLAGS) $(TLS_LIBS) $(asan_flags) $(CLANG) $(GCC)
$(BUILD)/flags: export UPF_SETTINGS = $(foreach name,$(SETTINGS),$(name) := \
    $(subst $$,$$$$,$($(name)))$(newline))
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' "$$UPF_FLAGS" | cmp -s - $@ || \
	    printf '%s\n' "$$UPF_FLAGS" >$@
	@printf '%s\n' "$$UPF_SETTINGS" >$(@D)/settings

define newline


endef

demo: all ## run the demonstration
	sh examples/demo.sh $(BUILD)/examples

# ---- Tests -----------------------------------------------------------------

run_tests := sh tests/tools/run_tests.sh

# An emulator is some fifty times slower, and nothing that a test starts would
# run in it. So it runs those that another order of bytes or size of a word can
# make fail: what reads bytes as words, handshakes, both sides of a connection.
# Not those that compare sets of kernels, of which there is one.
emulated   := arena base64 bytes chacha20 close_code conn_client conn_corners \
              frame handshake kernels_text mask sha1 shared utf8
c_tests     = $(if $(RUN),$(emulated:%=$(BUILD)/asan/tests/test_%),\
                $(test_bins))

deps: ## install what the tests need (cmocka), only if it is missing
	@CC='$(CC) $(CPPFLAGS)' sh tests/tools/deps.sh

# With sanitizers; the scripts are given the directory of the examples.
test: ## build and run every test and check
test: $(test_bins) $(replay_bins) $(asan_examples) $(kernel_names) \
      $(guide_bins)
	@EXAMPLES=$(BUILD)/asan/examples GUIDE=$(BUILD)/asan/guide \
	    CC='$(CC)' GCC='$(GCC)' $(run_tests) $(checks) $(test_bins) \
	    $(replay_bins) $(test_scripts)

test-kernels: ## the tests of payload on each set of kernels but the fastest
test-kernels: $(test_bins) $(kernel_names)
	@EXAMPLES=$(BUILD)/asan/examples $(run_tests) tests/test_kernel_sets.sh

test-small: ## every test on the smallest build: -Os, UPF_SCALAR_ONLY
	@$(MAKE) BUILD='$(BUILD)/small' CPPFLAGS='$(CPPFLAGS) -DUPF_SCALAR_ONLY' \
	    asan_flags='$(asan_flags) -Os' test

test-c: ## the C tests alone, for other compilers and machines
test-c: $(c_tests)
	@RUN='$(RUN)' $(run_tests) $(c_tests)

check: ## the static checks alone: layers, headers, stack, documents
	@CC='$(CC)' GCC='$(GCC)' $(run_tests) $(checks)

$(BUILD)/asan/%.o: %.c $(BUILD)/flags
	$(call compile,$(CC),$(asan_flags))

# Archives, so that a test holds no more than what it uses.
$(BUILD)/asan/libupframe.a: $(call objects,asan,$(src))

$(BUILD)/asan/libexamples.a: $(call objects,asan,$(helpers))

$(BUILD)/asan/libsupport.a: $(call objects,asan,$(support))

$(test_bins): $(BUILD)/asan/%: $(BUILD)/asan/%.o \
              $(call objects,asan,$(kernel_choice)) $(BUILD)/asan/libsupport.a \
              $(BUILD)/asan/libexamples.a $(BUILD)/asan/libupframe.a
	$(call link,$(CC),$(asan_flags),$(CMOCKA_LIBS) $(TLS_LIBS) -pthread)

$(kernel_names): %: %.o $(BUILD)/asan/libupframe.a
	$(call link,$(CC),$(asan_flags))

$(asan_examples): $(BUILD)/asan/%: $(BUILD)/asan/%.o \
                  $(BUILD)/asan/libexamples.a $(BUILD)/asan/libupframe.a
	$(call link,$(CC),$(asan_flags),$(TLS_LIBS))

# A test is compiled only where cmocka is; in `make -j deps test`, after it.
test_objects := $(foreach tree,asan coverage,\
                  $(call objects,$(tree),$(test_sources) $(support)))
$(test_objects): | need-cmocka $(guide_code)

need-cmocka: $(filter deps,$(MAKECMDGOALS))
	@CC='$(CC) $(CPPFLAGS)' sh tests/tools/deps.sh --check

# The code of docs/guide.md, as a reader copies it. Pieces are included by the
# tests; a whole program is compiled bare, as the guide says to.
$(BUILD)/guide/%.c: docs/guide.md tests/tools/guide_block.sh
	@mkdir -p $(@D)
	@echo '  GUIDE $@'
	$(Q)sh tests/tools/guide_block.sh $< $*.c >$@

$(guide_bins): $(BUILD)/asan/guide/%: $(BUILD)/guide/%.c \
               $(BUILD)/asan/libupframe.a
	@mkdir -p $(@D)
	@echo '  CC    $@'
	$(Q)$(CC) -std=c11 -Wall -Wextra -Wpedantic -Werror -Iinclude \
	    $(asan_flags) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# ---- Coverage --------------------------------------------------------------

# Only src/ is instrumented, and without asserts: the false side of an assert
# is no branch that a test could take.
coverage: ## line and branch coverage of src/, with its floors
coverage: $(coverage_bins) $(kernel_names)
	@find $(BUILD)/coverage -name '*.gcda' -exec rm -f {} +
	@$(run_tests) $(coverage_bins)
	@python3 tests/tools/coverage.py $(BUILD)/coverage/src \
	    $$($(kernel_names) --all)

coverage-fuzz: ## what the corpora of the fuzzers reach of src/, with its floor
coverage-fuzz: $(replay_coverage) $(kernel_names)
	@find $(BUILD)/coverage -name '*.gcda' -exec rm -f {} +
	@$(run_tests) $(replay_coverage)
	@python3 tests/tools/coverage.py --fuzz $(BUILD)/coverage/src \
	    $$($(kernel_names) --all)

$(BUILD)/coverage/%.o: %.c $(BUILD)/flags
	$(call compile,$(GCC),$(coverage_flags))

$(BUILD)/coverage/src/%.o: src/%.c $(BUILD)/flags
	$(call compile,$(GCC),$(coverage_flags) --coverage)

$(BUILD)/coverage/libupframe.a: $(call objects,coverage,$(src))

$(BUILD)/coverage/libexamples.a: $(call objects,coverage,$(helpers))

$(BUILD)/coverage/libsupport.a: $(call objects,coverage,$(support))

$(coverage_bins): $(BUILD)/coverage/%: $(BUILD)/coverage/%.o \
                  $(BUILD)/coverage/libsupport.a \
                  $(BUILD)/coverage/libexamples.a \
                  $(BUILD)/coverage/libupframe.a
	$(call link,$(GCC),--coverage,$(CMOCKA_LIBS) $(TLS_LIBS) -pthread)

$(replay_coverage): $(BUILD)/coverage/%: $(BUILD)/coverage/%.o \
                    $(call objects,coverage,fuzz/replay.c $(fuzz_helpers) \
                      $(fuzz_support)) \
                    $(BUILD)/coverage/libupframe.a
	$(call link,$(GCC),--coverage)

# ---- Fuzzing ---------------------------------------------------------------

fuzz: $(fuzz_bins) ## build the fuzzers with clang into build/fuzz/fuzz/

fuzz-replay: $(replay_bins) ## run the fuzz entries over their corpus
	@$(run_tests) $(replay_bins)

$(BUILD)/fuzz/%.o: %.c $(BUILD)/flags
	$(call compile,$(CLANG),$(fuzz_flags) -fsanitize=fuzzer-no-link)

$(BUILD)/fuzz/libupframe.a: $(call objects,fuzz,$(src))

$(fuzz_bins): $(BUILD)/fuzz/%: $(BUILD)/fuzz/%.o \
              $(call objects,fuzz,$(fuzz_helpers) $(fuzz_support)) \
              $(BUILD)/fuzz/libupframe.a
	$(call link,$(CLANG),$(fuzz_flags) -fsanitize=fuzzer)

$(replay_bins): $(BUILD)/asan/%: $(BUILD)/asan/%.o \
                $(call objects,asan,fuzz/replay.c $(fuzz_helpers) \
                  $(fuzz_support)) \
                $(BUILD)/asan/libupframe.a
	$(call link,$(CC),$(asan_flags))

# ---- Interoperability ------------------------------------------------------

deps-interop: ## install the other implementations that `interop` talks to
	@BUILD='$(BUILD)' sh tests/interop/deps.sh

interop: ## talk to other implementations
interop: $(example_bins) $(filter deps-interop,$(MAKECMDGOALS))
	@BUILD='$(BUILD)' sh tests/interop/run.sh $(BUILD)/examples

# ---- Benchmarks ------------------------------------------------------------

include tests/bench/bench.mk

# ---- Install ---------------------------------------------------------------

header  := include/upframe/upframe.h
version  = $(shell awk '$$2 ~ /^UPF_VERSION_(MAJOR|MINOR|PATCH)$$/ \
               { v[$$2] = $$3 } \
             END { print v["UPF_VERSION_MAJOR"] "." v["UPF_VERSION_MINOR"] \
                     "." v["UPF_VERSION_PATCH"] }' $(header))
absolute   = $(if $(filter /%,$(firstword $(1))),$(1),$(CURDIR)/$(1))
prefix     = $(call absolute,$(PREFIX))
libdir     = $(call absolute,$(LIBDIR))
includedir = $(call absolute,$(INCLUDEDIR))
lib_to     = $(DESTDIR)$(libdir)
include_to = $(DESTDIR)$(includedir)/upframe

# A directory under the prefix is written as such, so that both can be moved.
relocatable = $(subst |>,,$(subst |>$(prefix)/,$${prefix}/,|>$(1)))

install: $(library) ## install under PREFIX (DESTDIR, LIBDIR, INCLUDEDIR)
	@for dir in '$(include_to)' '$(lib_to)/pkgconfig'; do \
	    install -d "$$dir" 2>/dev/null && [ -w "$$dir" ] || { \
	        echo "install: cannot write to $$dir;" \
	             "as root, or with PREFIX=\$$HOME/.local?" >&2; exit 1; }; \
	done
	install -m 644 include/upframe/*.h '$(include_to)'
	install -m 644 $(library) '$(lib_to)'
	printf '%s\n' 'prefix=$(prefix)' 'libdir=$(call relocatable,$(libdir))' \
	    'includedir=$(call relocatable,$(includedir))' '' 'Name: upframe' \
	    'Description: RFC 6455 WebSocket, client and server' \
	    'Version: $(version)' 'Libs: -L"$${libdir}" -lupframe' \
	    'Cflags: -I"$${includedir}"' >'$(lib_to)/pkgconfig/upframe.pc'

uninstall: ## remove what `install` put there
	rm -f $(patsubst include/upframe/%,'$(include_to)/%',\
	          $(wildcard include/upframe/*.h))
	rm -f '$(lib_to)/libupframe.a' '$(lib_to)/pkgconfig/upframe.pc'
	-rmdir '$(include_to)' 2>/dev/null

# ---- The rest --------------------------------------------------------------

clean: ## remove everything that was built
	rm -rf $(BUILD)

help: ## this list, and what you may set
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' \
	    $(MAKEFILE_LIST)
	@echo 'Variables, as in make CC=clang PREFIX=$$HOME/.local install:'
	@sed -n 's/^#?/ /p' Makefile

FORCE:

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all lib demo deps test test-c test-kernels test-small check \
        need-cmocka coverage coverage-fuzz fuzz fuzz-replay deps-interop \
        interop install uninstall clean help FORCE

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
