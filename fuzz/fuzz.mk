# SPDX-License-Identifier: MIT
# fuzz.mk - the fuzzers and their corpora; a part of the Makefile. See
# fuzz/README.md. The trees asan and coverage are those of tests/tests.mk.

#? CLANG=clang         what the fuzzers are compiled with

CLANG    ?= clang
SETTINGS += CLANG

flags_fuzz := $(posix) -Isrc -Itests
fuzz_flags := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
              -fno-omit-frame-pointer

fuzz_entries    := $(sort $(wildcard fuzz/fuzz_*.c))
fuzz_helpers    := $(filter-out $(fuzz_entries) fuzz/replay.c,\
                     $(sort $(wildcard fuzz/*.c))) \
                   tests/support/testext.c tests/support/blob.c \
                   tests/support/plain_inflate.c tests/support/strict_inflate.c
fuzz_bins       := $(fuzz_entries:%.c=$(BUILD)/fuzz/%)
replay_bins     := $(fuzz_entries:%.c=$(BUILD)/asan/%)
replay_coverage := $(fuzz_entries:%.c=$(BUILD)/coverage/%)

fuzz: $(fuzz_bins) ## build the fuzzers with clang into build/fuzz/fuzz/

fuzz-replay: $(replay_bins) ## run the fuzz entries over their corpus
	@$(run_tests) $(replay_bins)

test: $(replay_bins)

coverage-fuzz: ## what the corpora of the fuzzers reach of src/, with its floor
coverage-fuzz: $(replay_coverage) $(kernel_names)
	@find $(BUILD)/coverage -name '*.gcda' -exec rm -f {} +
	@$(run_tests) $(replay_coverage)
	@python3 tests/tools/coverage.py --fuzz $(BUILD)/coverage/src \
	    $$($(kernel_names) --all)

# Beside the oracle of the tests, zlib judges where it is; only here.
ifneq (,$(filter fuzz,$(MAKECMDGOALS)))
fuzz_zlib := $(call has,zlib.h)
endif

$(BUILD)/fuzz/%.o: %.c $(BUILD)/settings
	$(call compile,$(CLANG),$(fuzz_flags) -fsanitize=fuzzer-no-link \
	    $(if $(fuzz_zlib),-DFUZZ_ZLIB))

$(BUILD)/fuzz/libupframe.a: $(call objects,fuzz,$(src))

$(fuzz_bins): $(BUILD)/fuzz/%: $(BUILD)/fuzz/%.o \
              $(call objects,fuzz,$(fuzz_helpers)) \
              $(BUILD)/fuzz/libupframe.a
	$(call link,$(CLANG),$(fuzz_flags) -fsanitize=fuzzer,\
	    $(if $(fuzz_zlib),-lz))

$(replay_bins): $(BUILD)/asan/%: $(BUILD)/asan/%.o \
                $(call objects,asan,fuzz/replay.c $(fuzz_helpers)) \
                $(BUILD)/asan/libupframe.a
	$(call link,$(CC),$(asan_flags))

$(replay_coverage): $(BUILD)/coverage/%: $(BUILD)/coverage/%.o \
                    $(call objects,coverage,fuzz/replay.c $(fuzz_helpers)) \
                    $(BUILD)/coverage/libupframe.a
	$(call link,$(GCC),--coverage)

.PHONY: fuzz fuzz-replay coverage-fuzz
