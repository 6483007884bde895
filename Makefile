# SPDX-License-Identifier: Apache-2.0
#
# One non-recursive Makefile. Everything it makes is under build/.
# `make help` lists the targets; V=1 shows the commands; SAN=1 builds with ASan and UBSan into build/san.

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

CC        := gcc
CLANG     ?= clang
BPFTOOL   ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
SAN       ?= 0
V         ?= 0

ifeq ($(SAN),1)
B := build/san
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else
B := build
SANFLAGS :=
endif

ifeq ($(V),1)
Q :=
msg :=
else
Q := @
msg = @printf '  %-8s %s\n' $(1) $(2);
endif

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla \
	-Wimplicit-fallthrough -Wpointer-arith -Wwrite-strings
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu17 $(CFLAGS) $(WARN) $(SANFLAGS) -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 \
	-fstack-protector-strong -fPIE -I. -I$(B)/gen -I$(B)/skel -MMD -MP
ALL_LDFLAGS := $(SANFLAGS) -pie -Wl,-z,relro,-z,now $(LDFLAGS)
BPF_CFLAGS := -std=gnu17 -O2 -g -Wall -Wextra -Werror -Wno-unused-function -target bpf -mcpu=v3 \
	-D__TARGET_ARCH_$(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/') \
	-I. -I$(B)/gen -I/usr/include/$(shell uname -m)-linux-gnu -MMD -MP

GEN_H := $(B)/gen/http_table.h
BPF_SRC := $(wildcard bpf/*.bpf.c)
BPF_OBJ := $(BPF_SRC:bpf/%.bpf.c=$(B)/bpf/%.bpf.o)
SKEL_H := $(B)/skel/postern.skel.h

BASE_SRC := $(wildcard base/*.c)
POLICY_SRC := $(wildcard policy/*.c)
COMPILER_SRC := $(wildcard compiler/*.c)
ENFORCER_SRC := $(filter-out enforcer/main.c,$(wildcard enforcer/*.c))
CLI_SRC := $(filter-out cli/main.c,$(wildcard cli/*.c))

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))

BASE_OBJ := $(call obj,$(BASE_SRC))
POLICY_OBJ := $(call obj,$(POLICY_SRC)) $(BASE_OBJ)
COMPILER_OBJ := $(call obj,$(COMPILER_SRC)) $(POLICY_OBJ)
ENFORCER_OBJ := $(call obj,$(ENFORCER_SRC)) $(COMPILER_OBJ)
CLI_OBJ := $(call obj,$(CLI_SRC)) $(COMPILER_OBJ)

POLICY_LIBS := -lyaml
COMPILER_LIBS := $(POLICY_LIBS)
ENFORCER_LIBS := $(COMPILER_LIBS) -lbpf -lelf -lz
CLI_LIBS := $(COMPILER_LIBS)

BINS := $(B)/postern $(B)/posternd

.PHONY: all
all: $(BINS) ## build postern and posternd

$(B)/obj/%.o: %.c | $(GEN_H)
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

# What includes a generated header waits for it.
$(call obj,$(wildcard enforcer/*.c)): | $(SKEL_H)

$(B)/tools/%: tools/%.c
	$(call msg,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -O1 -g $(WARN) -I. $< -o $@

$(GEN_H): $(B)/tools/gen_http_table bpf/reason.h
	$(call msg,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$< > $@

$(B)/tools/gen_http_table: bpf/reason.h bpf/http_states.h

$(B)/bpf/%.bpf.o: bpf/%.bpf.c $(GEN_H)
	$(call msg,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $(@:.bpf.o=.tmp.bpf.o)
	$(Q)$(BPFTOOL) gen object $@ $(@:.bpf.o=.tmp.bpf.o)

$(B)/skel/%.skel.h: $(B)/bpf/%.bpf.o
	$(call msg,SKEL,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(B)/postern: $(B)/obj/cli/main.o $(CLI_OBJ)
	$(call msg,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(CLI_LIBS)

$(B)/posternd: $(B)/obj/enforcer/main.o $(ENFORCER_OBJ)
	$(call msg,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(ENFORCER_LIBS)

# Unit tests: one program per folder, from <folder>/tests/test_*.c.
define unit_tests
$(B)/tests/$(1): $(call obj,$(wildcard $(1)/tests/*.c)) $(2)
	$$(call msg,LD,$$@)
	$(Q)mkdir -p $$(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $$^ -o $$@ $(3) -lcriterion
.PHONY: unit-$(1)
unit-$(1): $(B)/tests/$(1)
	$$(call msg,TEST,$$<)
	$(Q)$(B)/tests/$(1) $(CRITERION_ARGS)
endef

UNIT_FOLDERS := $(foreach f,base policy compiler bpf enforcer cli,$(if $(wildcard $(f)/tests/*.c),$(f)))
$(eval $(call unit_tests,base,$(BASE_OBJ),))
$(eval $(call unit_tests,policy,$(POLICY_OBJ),$(POLICY_LIBS)))
$(eval $(call unit_tests,compiler,$(COMPILER_OBJ),$(COMPILER_LIBS) -lre2 -lstdc++))
$(eval $(call unit_tests,bpf,$(COMPILER_OBJ),$(COMPILER_LIBS)))
$(eval $(call unit_tests,enforcer,$(ENFORCER_OBJ),$(ENFORCER_LIBS)))
$(eval $(call unit_tests,cli,$(CLI_OBJ),$(CLI_LIBS)))

.PHONY: unit
unit: $(addprefix unit-,$(UNIT_FOLDERS)) ## unit tests (no root)

-include $(shell find $(B) -name '*.d' 2>/dev/null)

.PHONY: clean
clean: ## remove build/
	$(Q)rm -rf build

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16
