# SPDX-License-Identifier: MIT
# Makefile - build and install upframe (GNU make 4). Start: `make help`.
#
# What is not the library has its part of it in its own directory. The library
# is built and installed without any of them.

rooms := examples/examples.mk tests/tests.mk fuzz/fuzz.mk tests/bench/bench.mk

# ---- What you may set: make CC=clang CFLAGS=-O3 PREFIX=$HOME/.local ... ----

#? CC=cc               compiler of library, examples and tests
#? CFLAGS='-O2 -g'     its flags; beside them CPPFLAGS, LDFLAGS, LDLIBS
#? PREFIX=/usr/local   where `install` puts it
#? LIBDIR=lib          in PREFIX, or a whole path; so is INCLUDEDIR=include
#? DESTDIR=            in front of these when a package is made
#? BUILD=build         where everything is built: relative, without blanks
#? WERROR=1            every warning is an error
#? V=1                 every command is shown in full

BUILD ?= build

# What is installed is what was built, as the last run was told to build it.
SETTINGS := CC CPPFLAGS CFLAGS LDFLAGS LDLIBS WERROR needed
ifeq ($(strip $(MAKECMDGOALS)),install)
-include $(BUILD)/settings
endif

CFLAGS     ?= -O2 -g
PREFIX     ?= /usr/local
LIBDIR     ?= lib
INCLUDEDIR ?= include

# ---- The library -----------------------------------------------------------

src     := $(sort $(wildcard src/*.c src/*/*.c))
library := $(BUILD)/libupframe.a

all: $(library) ## the library and the examples (the default)

lib: $(library) ## the library alone: build/libupframe.a

# ---- Compiling and linking -------------------------------------------------

# The objects of SOURCES in one TREE: $(call objects,TREE,SOURCES). A tree is
# a directory under $(BUILD) whose objects share one set of compiler flags.
objects = $(patsubst %.c,$(BUILD)/$(1)/%.o,$(2))

# Beside this, flags_DIRECTORY is what the sources of one directory need. The
# library needs nothing: it compiles bare, so it can be copied into any tree.
needed := -std=c11 -Iinclude -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
          -Wundef $(if $(filter-out 0,$(WERROR)),-Werror)
posix  := -D_POSIX_C_SOURCE=200809L

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
$(Q)$(1) $(2) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(3) \
    $(LDLIBS)
endef

# $(call has,HEADER): 1 if the compiler finds it.
has = $(shell printf '\043include <$(1)>\n' | \
        $(CC) $(CPPFLAGS) -E - >/dev/null 2>&1 && echo 1)

$(BUILD)/obj/%.o: %.c $(BUILD)/settings
	$(call compile,$(CC),$(CFLAGS))

%.a:
	@mkdir -p $(@D)
	@echo '  AR    $@'
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(library): $(call objects,obj,$(src))

# Rewritten only when they change, so a new compiler or flag rebuilds all.
$(BUILD)/settings: export UPF_SETTINGS = $(foreach name,$(SETTINGS),$(name) := \
    $(subst $$,$$$$,$($(name)))$(newline))
$(BUILD)/settings: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' "$$UPF_SETTINGS" | cmp -s - $@ || \
	    printf '%s\n' "$$UPF_SETTINGS" >$@

define newline


endef

# ---- Install ---------------------------------------------------------------

version    = $(shell awk -F '"' '/define UPF_VERSION / { print $$2 }' \
               include/upframe/upframe.h)
in         = $(if $(filter /%,$(firstword $(2))),$(2),$(1)/$(2))
prefix     = $(if $(PREFIX),$(call in,$(CURDIR),$(PREFIX)))
libdir     = $(call in,$(prefix),$(LIBDIR))
includedir = $(call in,$(prefix),$(INCLUDEDIR))
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
	    Makefile $(wildcard $(rooms))
	@echo 'Variables, as in make CC=clang PREFIX=$$HOME/.local install:'
	@sed -n 's/^#?/ /p' Makefile $(wildcard $(rooms))

FORCE:

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all lib install uninstall clean help FORCE

-include $(rooms) $(shell find $(BUILD) -name '*.d' 2>/dev/null)
