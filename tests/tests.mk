# SPDX-License-Identifier: MIT
# tests.mk - tests, static checks, coverage and interoperability; a part of the
# Makefile.

#? SANITIZE=           the tests without sanitizers, or with others
#? RUN=qemu-s390x      what runs C tests that were built for another machine
#? GCC=gcc             what coverage and the check of the stack compile with
#? CMOCKA_CFLAGS= CMOCKA_LIBS=  cmocka, where pkg-config does not know it

SANITIZE ?= -fsanitize=address,undefined -fno-sanitize-recover=all
GCC      ?= gcc
SETTINGS += SANITIZE GCC asan_flags

asan_flags     := -O1 -g $(SANITIZE) -fno-omit-frame-pointer
coverage_flags := -O0 -g -DNDEBUG

# Asked when a test is compiled, not before: `make deps test` installs first.
CMOCKA_CFLAGS ?= $(shell pkg-config --cflags cmocka 2>/dev/null)
CMOCKA_LIBS   ?= $(or $(shell pkg-config --libs cmocka 2>/dev/null),-lcmocka)

flags_tests = $(posix) -Isrc -Itests -Iexamples -Iexamples/common -I$(BUILD) \
              -I$(BUILD)/examples/pages $(TLS_CFLAGS) $(CMOCKA_CFLAGS)

# ---- What is there ---------------------------------------------------------

test_sources   := $(sort $(wildcard tests/test_*.c tests/*/test_*.c))
test_scripts   := $(sort $(wildcard tests/*/test_*.sh))
checks         := $(sort $(wildcard tests/tools/check_*.sh))
kernel_choice  := tests/support/kernel_choice.c
support        := $(filter-out $(kernel_choice),\
                    $(sort $(wildcard tests/support/*.c)))
guide_programs := server client poll_server
guide_pieces   := completion send_file echo_chunk serve_in_time streaming \
                  on_request visitor

test_bins      := $(test_sources:%.c=$(BUILD)/asan/%)
coverage_bins  := $(test_sources:%.c=$(BUILD)/coverage/%)
kernel_names   := $(BUILD)/asan/tests/tools/kernel_names
asan_examples  := $(example_bins:$(BUILD)/%=$(BUILD)/asan/%)
guide_code     := $(patsubst %,$(BUILD)/guide/%.c,\
                    $(guide_programs) $(guide_pieces) fragments)
guide_bins     := $(guide_programs:%=$(BUILD)/asan/guide/%)
copied         := $(BUILD)/asan/guide/copied

# An emulator is some fifty times slower, and nothing that a test starts would
# run in it. So it runs those that another order of bytes or size of a word can
# make fail: what reads bytes as words, handshakes, both sides of a connection.
# Not those that compare sets of kernels, of which there is one.
emulated := arena base64 bytes close conn_client conn_server deflate \
            deflate_block deflate_huffman frame handshake \
            inflate inflate_streams inflate_table \
            kernels_chacha20 kernels_text mask sha1 shared utf8
c_tests   = $(if $(RUN),$(filter $(emulated:%=\%/test_%),$(test_bins)),\
                $(test_bins))

# ---- Tests and checks ------------------------------------------------------

run_tests := sh tests/tools/run_tests.sh

deps: ## install what the tests need (cmocka), only if it is missing
	@CC='$(CC) $(CPPFLAGS)' sh tests/tools/deps.sh

# With sanitizers; the scripts are given the directory of the examples.
test: ## build and run every test and check
test: $(test_bins) $(asan_examples) $(kernel_names) $(guide_bins) $(copied)
	@EXAMPLES=$(BUILD)/asan/examples GUIDE=$(BUILD)/asan/guide \
	    CC='$(CC)' GCC='$(GCC)' $(run_tests) $(checks) $(test_bins) \
	    $(replay_bins) $(test_scripts)

test-kernels: ## the tests of payload on each set of kernels but the fastest
test-kernels: $(test_bins) $(kernel_names)
	@EXAMPLES=$(BUILD)/asan/examples $(run_tests) tests/kernels/test_kernel_sets.sh

test-small: ## every test on the smallest build: -Os, UPF_SCALAR_ONLY
	@$(MAKE) BUILD='$(BUILD)/small' CPPFLAGS='$(CPPFLAGS) -DUPF_SCALAR_ONLY' \
	    asan_flags='$(asan_flags) -Os' test

test-c: ## the C tests alone, for other compilers and machines
test-c: $(c_tests)
	@RUN='$(RUN)' $(run_tests) $(c_tests)

check: ## the static checks alone: layers, headers, stack, documents
	@CC='$(CC)' GCC='$(GCC)' $(run_tests) $(checks)

$(BUILD)/asan/%.o: %.c $(BUILD)/settings
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

$(call beside,asan,$(BUILD)/asan/examples)
$(asan_examples): $(BUILD)/asan/libexamples.a $(BUILD)/asan/libupframe.a
	$(call link,$(CC),$(asan_flags),$(example_libs))

$(foreach tree,asan coverage,$(call objects,$(tree),$(example_sources))): \
    | $(page_headers)

# A test is compiled only where cmocka is; in `make -j deps test`, after it.
$(foreach tree,asan coverage,\
  $(call objects,$(tree),$(test_sources) $(support))): \
    | need-cmocka $(guide_code) $(page_headers)

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

# The program in the head of server.h, with a copy of its directory, as it says.
$(copied): $(wildcard examples/common/*.[ch]) $(BUILD)/asan/libupframe.a
	@rm -rf $@.src
	@mkdir -p $@.src
	@echo '  CC    $@'
	@cp examples/common/*.[ch] $@.src
	@sed -n '/^ \*     #include/,/^ \* [^ ]/s/^ \*\( *$$\|     \)//p' \
	    $@.src/server.h >$@.src/main.c
	$(Q)$(CC) -std=c11 $(posix) -Wall -Wextra -Wpedantic -Werror -Iinclude \
	    $(asan_flags) $(LDFLAGS) -o $@ $@.src/*.c $(BUILD)/asan/libupframe.a \
	    $(LDLIBS)

# ---- Coverage --------------------------------------------------------------

# Only src/ is instrumented, and without asserts: the false side of an assert
# is no branch that a test could take.
coverage: ## line and branch coverage of src/, with its floors
coverage: $(coverage_bins) $(kernel_names)
	@find $(BUILD)/coverage -name '*.gcda' -exec rm -f {} +
	@$(run_tests) $(coverage_bins)
	@python3 tests/tools/coverage.py $(BUILD)/coverage/src \
	    $$($(kernel_names) --all)

$(BUILD)/coverage/%.o: %.c $(BUILD)/settings
	$(call compile,$(GCC),$(coverage_flags))

$(BUILD)/coverage/src/%.o: src/%.c $(BUILD)/settings
	$(call compile,$(GCC),$(coverage_flags) --coverage)

$(BUILD)/coverage/libupframe.a: $(call objects,coverage,$(src))

$(BUILD)/coverage/libexamples.a: $(call objects,coverage,$(helpers))

$(BUILD)/coverage/libsupport.a: $(call objects,coverage,$(support))

$(coverage_bins): $(BUILD)/coverage/%: $(BUILD)/coverage/%.o \
                  $(BUILD)/coverage/libsupport.a \
                  $(BUILD)/coverage/libexamples.a \
                  $(BUILD)/coverage/libupframe.a
	$(call link,$(GCC),--coverage,$(CMOCKA_LIBS) $(TLS_LIBS) -pthread)

# ---- Interoperability ------------------------------------------------------

deps-interop: ## install the other implementations that `interop` talks to
	@BUILD='$(BUILD)' sh tests/interop/deps.sh

interop: ## talk to other implementations
interop: $(example_bins) $(filter deps-interop,$(MAKECMDGOALS))
	@BUILD='$(BUILD)' sh tests/interop/run.sh $(BUILD)/examples

.PHONY: deps test test-c test-kernels test-small check need-cmocka coverage \
        deps-interop interop
