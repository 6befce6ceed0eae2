# SPDX-License-Identifier: MIT
# examples.mk - the example programs; a part of the Makefile.

#? TLS=0               examples without OpenSSL; TLS=1: not without it
#? TLS_CFLAGS= TLS_LIBS=  OpenSSL, where it is in no usual place
#? REDIS=0             broadcast_server without --redis; REDIS=1: not without it
#? REDIS_CFLAGS= REDIS_LIBS=  hiredis, where it is in no usual place

SETTINGS += TLS TLS_CFLAGS TLS_LIBS REDIS REDIS_CFLAGS REDIS_LIBS

ifndef TLS
TLS := $(call has,openssl/ssl.h)
endif
ifneq ($(filter-out 0,$(TLS)),)
TLS_CFLAGS ?= -DEXAMPLE_TLS
TLS_LIBS   ?= -lssl -lcrypto
endif

ifndef REDIS
REDIS := $(call has,hiredis/async.h)
endif
ifneq ($(filter-out 0,$(REDIS)),)
REDIS_CFLAGS ?= -DEXAMPLE_REDIS
REDIS_LIBS   ?= -lhiredis
else
left_out     := examples/apps/chat/redis_%
endif

flags_examples := $(posix) -Iexamples/common -I$(BUILD)/examples/pages \
                  $(TLS_CFLAGS) $(REDIS_CFLAGS)

# A program is what has no header. echo_epoll is for Linux: it is built where
# there is epoll.
left_out        += $(if $(call has,sys/epoll.h),,%/echo_epoll.c)
example_sources := $(filter-out $(left_out),\
                     $(sort $(wildcard examples/*/*.c examples/*/*/*.c)))
helpers         := $(filter-out $(left_out),$(patsubst %.h,%.c,$(sort \
                     $(wildcard examples/*/*.h examples/*/*/*.h))))
programs        := $(filter-out $(helpers),$(example_sources))
example_bins    := $(patsubst %.c,$(BUILD)/examples/%,$(notdir $(programs)))
page_headers    := $(patsubst %.html,$(BUILD)/%_html.h,\
                     $(sort $(wildcard examples/pages/*.html)))

all: examples

examples: $(example_bins) ## the examples alone
	$(if $(filter-out 0,$(TLS)),,@echo '  (without OpenSSL: no wss://; apt-get install\
	    libssl-dev)')
	$(if $(filter-out 0,$(REDIS)),,@echo '  (without hiredis: broadcast_server has no\
	    --redis; apt-get install libhiredis-dev)')

# For the program at hand, as others have no use for hiredis.
example_libs = $(TLS_LIBS) $(if $(filter %/broadcast_server,$@),$(REDIS_LIBS))

demo: all ## run the demonstration
	sh examples/demo.sh $(BUILD)/examples

$(BUILD)/obj/libexamples.a: $(call objects,obj,$(helpers))

# The programs lie side by side, whichever room their source is in:
# $(call beside,TREE,BIN_DIR) has each wait for its object.
beside = $(foreach p,$(programs),\
           $(eval $(2)/$(basename $(notdir $(p))): $(call objects,$(1),$(p))))

$(call beside,obj,$(BUILD)/examples)
$(example_bins): $(BUILD)/obj/libexamples.a $(library)
	$(call link,$(CC),$(CFLAGS),$(example_libs))

# A page becomes `static const char NAME_html[]`, NUL at its end, and the script
# that it names a part of it: one answer, which loads nothing. Character
# constants and not one string: ISO C promises no literal over 4095 bytes.
page_script := examples/pages/reconnect.js

$(BUILD)/examples/pages/%_html.h: examples/pages/%.html $(page_script) \
                                  examples/examples.mk
	@mkdir -p $(@D)
	@echo '  PAGE  $@'
	$(Q){ echo '/* From $<; do not edit. */'; \
	      echo 'static const char $(subst -,_,$*)_html[] = {'; \
	      sed -e '/^<script src="reconnect.js">$$/{s/ src.*/>/' \
	          -e 'r $(page_script)' -e '}' $< | od -An -v -tx1 | \
	          sed "s/ *\([0-9a-f][0-9a-f]\)/'\\\\x\1',/g"; \
	      echo '0};'; } >$@

$(call objects,obj,$(example_sources)): | $(page_headers)

.PHONY: demo examples
