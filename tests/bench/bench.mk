# SPDX-License-Identifier: MIT
# bench.mk - the benchmarks; a part of the Makefile. See tests/bench/README.md.
#
# Nothing here is a test: no time fails a build. Programs are compiled with
# -O3 and without -march, the library among them, into $(BUILD)/bench/. What is
# compared with (the peers) is left out where it is not installed.

#? BENCH_ARGS=--help   what a benchmark is told; BENCH_CFLAGS: how it is compiled

BENCH_CFLAGS ?= -O3 -g
BENCH_ARGS   ?=

bench_dir       := tests/bench
bench_sources   := $(sort $(wildcard $(bench_dir)/inprocess/*.c))
bench_inprocess := $(BUILD)/bench/bench_inprocess
bench_deflate   := $(BUILD)/bench/bench_deflate
bench_count     := $(BUILD)/bench/bench_count
bench_loads     := $(filter-out lws_server,$(basename $(notdir $(filter-out \
                     $(patsubst %.h,%.c,$(wildcard $(bench_dir)/*/*.h)),\
                     $(wildcard $(bench_dir)/loopback/*.c)))))
bench_servers   := $(filter $(basename $(notdir $(programs))),echo_epoll \
                     ticker_server game_server broadcast_server notify_server)
bench_programs  := $(patsubst %,$(BUILD)/bench/%,$(bench_loads) $(bench_servers))
bench_python    := python3

# Which peers are here is asked only when a benchmark is wanted.
ifneq (,$(findstring bench,$(MAKECMDGOALS)))
bench_has   = $(shell printf '\043include <$(2)>\n' | \
                $(1) -E -x $(3) - >/dev/null 2>&1 && echo 1)
bench_wslay := $(call bench_has,$(CC),wslay/wslay.h,c)
bench_beast := $(call bench_has,$(CXX),boost/beast/version.hpp,c++)
bench_lws   := $(call bench_has,$(CC),libwebsockets.h,c)
bench_zlib  := $(call bench_has,$(CC),zlib.h,c)
bench_libdeflate := $(call bench_has,$(CC),libdeflate.h,c)

ifeq (,$(bench_wslay))
bench_sources := $(filter-out %/recv_wslay.c,$(bench_sources))
endif
bench_programs += $(if $(bench_lws),$(BUILD)/bench/lws_server)
endif

bench_peers   = $(if $(bench_wslay),-DBENCH_WSLAY) \
                $(if $(bench_beast),-DBENCH_BEAST) \
                $(if $(bench_zlib),-DBENCH_ZLIB) \
                $(if $(bench_libdeflate),-DBENCH_LIBDEFLATE)
bench_support := tests/support/testext.c tests/support/blob.c
bench_objects = $(call objects,bench,$(bench_sources) $(bench_support)) \
                $(if $(bench_beast),\
                  $(BUILD)/bench/$(bench_dir)/inprocess/recv_beast.o)

# $(call bench_run,SCRIPT): a python script that runs what was built.
bench_run = BUILD='$(BUILD)' $(bench_python) $(bench_dir)/$(1) $(BENCH_ARGS)

# Medians of several runs of what comes after it.
bench_runs = $(bench_python) $(bench_dir)/loopback/runs.py

bench: $(bench_inprocess) ## measure frames and handshakes in one process
	@$(bench_inprocess) $(BENCH_ARGS)

bench-deflate: $(bench_deflate) ## measure compression and decompression
	@$(bench_deflate) $(BENCH_ARGS)

bench-count: $(bench_count) ## count instructions with callgrind
	@$(call bench_run,count/count.py)

bench-echo: bench-build ## measure echo servers over loopback
	@$(call bench_run,loopback/echo.py)

bench-idle: bench-build ## measure the memory of idle connections
	@$(call bench_run,loopback/idle.py)

bench-ticker: bench-build ## measure ticker_server with clients that stall
	@BUILD='$(BUILD)' $(bench_runs) sh $(bench_dir)/loopback/ticker.sh \
	    $(BENCH_ARGS)

bench-notify: bench-build ## measure what an event costs to 5,000 subscribers
	@$(call bench_run,loopback/notify.py)

bench-game: ## measure how evenly a game's frames come to 200 players
bench-game: $(BUILD)/bench/game $(BUILD)/bench/game_server
	@$(bench_runs) $(BUILD)/bench/game $(BUILD)/bench/game_server $(BENCH_ARGS)

bench-hold: $(BUILD)/examples/broadcast_server ## what a held connection costs
	@$(call bench_run,loopback/hold.py)

bench-drain: $(BUILD)/examples/notify_server ## clients that move behind HAProxy
	@$(call bench_run,loopback/drain.py)

bench-chat: ## find how much three broadcast_servers on one Redis can say
bench-chat: $(BUILD)/bench/chat $(BUILD)/bench/broadcast_server
	@$(BUILD)/bench/chat $(BUILD)/bench/broadcast_server $(BENCH_ARGS)

bench-size: ## measure the code at -Os, scalar only
	@CC='$(CC)' BUILD='$(BUILD)' sh $(bench_dir)/size.sh $(BENCH_ARGS)

bench-deps: ## install what the benchmarks compare with, only if missing
	@BUILD='$(BUILD)' sh $(bench_dir)/deps.sh

bench-build: ## build them all and run none
bench-build: $(bench_inprocess) $(bench_deflate) $(bench_count) $(bench_programs)

# ---- Objects and programs --------------------------------------------------

$(BUILD)/bench/%.o: %.c $(BUILD)/bench/peers
	$(call compile,$(CC),$(BENCH_CFLAGS) $(bench_peers))

$(BUILD)/bench/%.o: %.cc $(BUILD)/bench/peers
	@mkdir -p $(@D)
	@echo '  CXX   $@'
	$(Q)$(CXX) -std=c++17 -Iinclude -Wall -Wextra $(CPPFLAGS) \
	    $(BENCH_CFLAGS) -MMD -MP -c -o $@ $<

# Rewritten only when it changes, so that a new peer or flag rebuilds.
$(BUILD)/bench/peers: FORCE $(BUILD)/settings
	@mkdir -p $(@D)
	@printf '%s\n' '$(BENCH_CFLAGS) $(bench_peers)' | cmp -s - $@ || \
	    printf '%s\n' '$(BENCH_CFLAGS) $(bench_peers)' >$@

$(BUILD)/bench/libupframe.a: $(call objects,bench,$(src))

$(bench_inprocess): $(bench_objects) $(BUILD)/bench/libupframe.a
	$(call link,$(if $(bench_beast),$(CXX),$(CC)),$(BENCH_CFLAGS),\
	    $(if $(bench_wslay),-lwslay) -lm)

$(bench_deflate): $(call objects,bench,\
                    $(sort $(wildcard $(bench_dir)/deflate/*.c)) \
                    $(bench_dir)/inprocess/bench.c \
                    $(bench_dir)/inprocess/report.c \
                    $(bench_dir)/inprocess/kernels.c \
                    tests/support/bit_writer.c) \
                  $(BUILD)/bench/libupframe.a
	$(call link,$(CC),$(BENCH_CFLAGS),$(if $(bench_zlib),-lz) \
	    $(if $(bench_libdeflate),-ldeflate) -lm)

$(bench_count): $(call objects,bench,$(bench_dir)/count/count.c) \
                $(BUILD)/bench/libupframe.a
	$(call link,$(CC),$(BENCH_CFLAGS))

bench_loopback = $(call objects,bench,$(1:%=$(bench_dir)/loopback/%.c))

$(BUILD)/bench/load: $(call bench_loopback,load client histogram)
	$(call link,$(CC),$(BENCH_CFLAGS))

$(BUILD)/bench/idle: $(call bench_loopback,idle client)
	$(call link,$(CC),$(BENCH_CFLAGS))

$(BUILD)/bench/game: $(call bench_loopback,game client histogram) \
                     $(BUILD)/bench/libexamples.a $(BUILD)/bench/libupframe.a
	$(call link,$(CC),$(BENCH_CFLAGS),$(TLS_LIBS))

$(BUILD)/bench/chat: $(call bench_loopback,chat client histogram) \
                     $(BUILD)/bench/libexamples.a $(BUILD)/bench/libupframe.a
	$(call link,$(CC),$(BENCH_CFLAGS),$(TLS_LIBS))

$(BUILD)/bench/floor_server: $(call bench_loopback,floor_server) \
                             $(BUILD)/bench/libupframe.a
	$(call link,$(CC),$(BENCH_CFLAGS))

$(BUILD)/bench/ticker: $(call bench_loopback,ticker relay client histogram)
	$(call link,$(CC),$(BENCH_CFLAGS))

# The examples, compiled as the rest here.
bench_examples := $(call objects,bench,$(helpers) \
                    $(filter $(bench_servers:%=\%/%.c),$(programs)))
$(bench_examples): | $(page_headers)

$(BUILD)/bench/libexamples.a: $(call objects,bench,$(helpers))

$(call beside,bench,$(BUILD)/bench)
$(bench_servers:%=$(BUILD)/bench/%): $(BUILD)/bench/libexamples.a $(BUILD)/bench/libupframe.a
	$(call link,$(CC),$(BENCH_CFLAGS),$(example_libs))

$(BUILD)/bench/lws_server: $(call bench_loopback,lws_server)
	$(call link,$(CC),$(BENCH_CFLAGS),-lwebsockets)

.PHONY: bench bench-deflate bench-count bench-echo bench-idle bench-notify bench-ticker \
        bench-game \
        bench-chat bench-hold bench-drain bench-size bench-deps bench-build
