# SPDX-License-Identifier: Apache-2.0
#
# One non-recursive Makefile. Everything it makes is under build/.
# `make help` lists the targets; V=1 shows the commands; SAN=1 builds with ASan and UBSan into build/san.
# SAN=thread builds with TSan into build/tsan.

MAKEFLAGS += --no-builtin-rules
# bpftool and ip live there, and not every user's PATH has it.
export PATH := $(PATH):/usr/sbin:/sbin
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

CC        := gcc
CLANG     ?= clang
CXX       := g++
CLANGXX   ?= clang++
BPFTOOL   ?= bpftool
PREFIX    ?= /usr/local
SAN       ?= 0
V         ?= 0

ifeq ($(SAN),1)
B := build/san
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# Two thirds of the time that -O2 takes to compile, and the traces still say where.
CFLAGS ?= -O1 -g
CXXFLAGS ?= -O1 -g
else ifeq ($(SAN),thread)
B := build/tsan
SANFLAGS := -fsanitize=thread
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

CXXWARN := -Wall -Wextra -Werror -Wshadow -Wformat=2 -Wvla -Wimplicit-fallthrough -Wpointer-arith
WARN := $(CXXWARN) -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings
CFLAGS ?= -O2 -g
CXXFLAGS ?= -O2 -g
COMMON_FLAGS := $(SANFLAGS) -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE \
	-I. -I$(B)/gen -I$(B)/skel -MMD -MP
ALL_CFLAGS := -std=gnu17 $(CFLAGS) $(WARN) $(COMMON_FLAGS)
# Only tests are C++: some of the libraries that they compare with have no C interface.
ALL_CXXFLAGS := -std=gnu++17 $(CXXFLAGS) $(CXXWARN) $(COMMON_FLAGS)
ALL_LDFLAGS := $(SANFLAGS) -pie -Wl,-z,relro,-z,now $(LDFLAGS)
BPF_CFLAGS := -std=gnu17 -O2 -g -Wall -Wextra -Werror -Wno-unused-function -target bpf -mcpu=v3 \
	-D__TARGET_ARCH_$(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/') \
	-I. -I$(B)/gen -I/usr/include/$(shell uname -m)-linux-gnu -MMD -MP

# Debian's unicode-data.
UNICODE ?= /usr/share/unicode
UNICODE_TXT := $(addprefix $(UNICODE)/,UnicodeData.txt Scripts.txt CaseFolding.txt)
GEN_H := $(B)/gen/http_table.h $(B)/gen/unicode_table.h
BPF_SRC := $(wildcard bpf/*.bpf.c)
BPF_OBJ := $(BPF_SRC:bpf/%.bpf.c=$(B)/bpf/%.bpf.o)
# One object of all programs, so that they share their maps.
BPF_LINKED := $(B)/bpf/postern.o
SKEL_H := $(B)/skel/postern.skel.h

BASE_SRC := $(wildcard base/*.c)
POLICY_SRC := $(wildcard policy/*.c)
COMPILER_SRC := $(wildcard compiler/*.c)
LINT_SRC := $(wildcard lint/*.c)
PROXY_SRC := $(filter-out proxy/main.c,$(wildcard proxy/*.c))
ENFORCER_SRC := $(filter-out enforcer/main.c,$(wildcard enforcer/*.c))
CLI_SRC := $(filter-out cli/main.c,$(wildcard cli/*.c))

obj = $(patsubst %,$(B)/obj/%.o,$(basename $(1)))

BASE_OBJ := $(call obj,$(BASE_SRC))
POLICY_OBJ := $(call obj,$(POLICY_SRC)) $(BASE_OBJ)
COMPILER_OBJ := $(call obj,$(COMPILER_SRC)) $(POLICY_OBJ)
LINT_OBJ := $(call obj,$(LINT_SRC)) $(COMPILER_OBJ)
ENFORCER_OBJ := $(call obj,$(ENFORCER_SRC)) $(COMPILER_OBJ)
# llhttp: Debian ships its C sources and no library.
LLHTTP_FLAGS := -DLLHTTP_STRICT_MODE=1 -isystem /usr/share/include/llhttp
LLHTTP_LIB_OBJ := $(patsubst %,$(B)/obj/llhttp/%.o,api http llhttp)
PROXY_OBJ := $(call obj,$(PROXY_SRC) enforcer/calls.c enforcer/reply.c enforcer/tally.c enforcer/verdict.c enforcer/wire.c enforcer/wish.c) $(LLHTTP_LIB_OBJ) $(COMPILER_OBJ)
# What the command knows of the daemon: how to ask it, and what flows are. No BPF in it.
CLIENT_SRC := $(patsubst %,enforcer/%.c,client flow flow_read flow_filter flow_test flow_time)
CLI_OBJ := $(call obj,$(CLI_SRC) $(CLIENT_SRC)) $(LINT_OBJ)

POLICY_LIBS := -lyaml
COMPILER_LIBS := $(POLICY_LIBS) -lz
ENFORCER_LIBS := $(COMPILER_LIBS) -lbpf -lelf -ljansson -lmicrohttpd -lseccomp
PROXY_LIBS := $(COMPILER_LIBS) -lpcre2-8 -lnghttp2 -lseccomp
CLI_LIBS := $(COMPILER_LIBS) -ljansson

BINS := $(B)/postern $(B)/posternd $(B)/postern-proxy

.PHONY: all
all: $(BINS) ## build postern, posternd and postern-proxy

$(B)/obj/%.o: %.c
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@

$(B)/obj/%.o: %.cc
	$(call msg,CXX,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CXX) $(ALL_CXXFLAGS) -c $< -o $@

# What includes a generated header waits for it.
srcs = $(wildcard $(1:%=%/*.c) $(1:%=%/tests/*.c) $(1:%=%/tests/*.cc))
$(call obj,$(filter-out %.bpf.c,$(call srcs,compiler lint bpf enforcer proxy)) $(wildcard tests/fuzz/*.c tests/bench/*.c)): | $(GEN_H)
$(call obj,$(call srcs,enforcer)): | $(SKEL_H)

$(call obj,$(call srcs,proxy)): ALL_CFLAGS += $(LLHTTP_FLAGS)
$(B)/obj/llhttp/%.o: /usr/share/llhttp/%.c
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 $(CFLAGS) $(SANFLAGS) -fPIE $(LLHTTP_FLAGS) -c $< -o $@

$(B)/tools/%: tools/%.c
	$(call msg,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -O1 -g $(WARN) -I. $< -o $@

# This one prints the linter's table of rules, so it is linked with the linter.
$(B)/tools/rule_pages: $(B)/obj/tools/rule_pages.o $(LINT_OBJ)
	$(call msg,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(COMPILER_LIBS)

$(B)/gen/http_table.h: $(B)/tools/gen_http_table bpf/reason.h
	$(call msg,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$< > $@

$(B)/gen/unicode_table.h: $(B)/tools/gen_unicode $(UNICODE_TXT)
	$(call msg,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$< $(UNICODE) > $@

# Reached only when one is not there.
$(UNICODE_TXT):
	@echo '$@ is missing: install the Debian package unicode-data (tools/deps.sh build)' >&2; false

$(B)/tools/gen_http_table: bpf/reason.h bpf/http_states.h

$(B)/bpf/%.bpf.o: bpf/%.bpf.c $(B)/gen/http_table.h
	$(call msg,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MT $@ -MF $(@:.o=.d) -c $< -o $(@:.bpf.o=.tmp.bpf.o)
	$(Q)$(BPFTOOL) gen object $@ $(@:.bpf.o=.tmp.bpf.o)

$(BPF_LINKED): $(BPF_OBJ)
	$(call msg,BPFLINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(SKEL_H): $(BPF_LINKED)
	$(call msg,SKEL,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name postern_bpf > $@.tmp
	$(Q)mv $@.tmp $@

$(B)/postern: $(B)/obj/cli/main.o $(CLI_OBJ)
	$(call msg,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(CLI_LIBS)

# For images of CI systems: needs libyaml and the C library when it runs, and neither clang, bpftool
# nor libbpf when it is built.
.PHONY: postern-cli
postern-cli: $(B)/postern-cli ## build/postern-cli: the command, with zlib and jansson in it

$(B)/postern-cli: $(B)/obj/cli/main.o $(CLI_OBJ)
	$(call msg,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ -lyaml -l:libz.a -l:libjansson.a

$(B)/posternd: $(B)/obj/enforcer/main.o $(ENFORCER_OBJ)
	$(call msg,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(ENFORCER_LIBS)

$(B)/postern-proxy: $(B)/obj/proxy/main.o $(PROXY_OBJ)
	$(call msg,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(PROXY_LIBS)

# What the proxy's tests share with those of the compiler and of the core.
PROXY_TEST_OBJ := $(call obj,$(patsubst %,compiler/tests/%,re_random.c re_near.c re2_oracle.cc) \
	bpf/tests/core.c bpf/tests/vectors.c)

# Unit tests: one program per folder, from <folder>/tests/test_*.c.
define unit_tests
$(B)/tests/$(1): $(call obj,$(wildcard $(1)/tests/*.c $(1)/tests/*.cc) tests/leaks.c tests/none.c) $(2)
	$$(call msg,LD,$$@)
	$(Q)mkdir -p $$(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $$^ -o $$@ $(3) -lcriterion
.PHONY: unit-$(1)
unit-$(1): $(B)/tests/$(1)
	$$(call msg,TEST,$$<)
	$(Q)$(B)/tests/$(1) $(CRITERION_ARGS)
endef

UNIT_FOLDERS := $(foreach f,base policy compiler lint bpf enforcer proxy cli,$(if $(wildcard $(f)/tests/*.c),$(f)))
$(eval $(call unit_tests,base,$(BASE_OBJ),))
$(eval $(call unit_tests,policy,$(POLICY_OBJ),$(POLICY_LIBS)))
# What tests count instead of looking at a clock: test_crowd.c.
COMPILER_COUNTED := -Wl,--wrap=pst_prefix_cmp -Wl,--wrap=pst_prefix_contains -Wl,--wrap=pst_peer_matches
$(eval $(call unit_tests,compiler,$(COMPILER_OBJ),$(COMPILER_LIBS) $(COMPILER_COUNTED) -lre2 -lpcre2-8 -lstdc++))
# And test_check_subset.c.
LINT_COUNTED := -Wl,--wrap=pst_cover_port
$(eval $(call unit_tests,lint,$(LINT_OBJ),$(COMPILER_LIBS) $(LINT_COUNTED) -ljansson))
$(eval $(call unit_tests,bpf,$(COMPILER_OBJ),$(COMPILER_LIBS) -lbpf -lelf))
$(eval $(call unit_tests,enforcer,$(ENFORCER_OBJ),$(ENFORCER_LIBS)))
$(eval $(call unit_tests,proxy,$(PROXY_TEST_OBJ) $(PROXY_OBJ),$(PROXY_LIBS) -lre2 -lstdc++))
$(eval $(call unit_tests,cli,$(CLI_OBJ),$(CLI_LIBS)))

# The tests of threads without Criterion, for which TSan has no room: tests/plain/criterion/criterion.h.
PLAIN_OBJ := $(patsubst %,$(B)/obj/plain/%.o,tests/plain/main $(patsubst %,proxy/tests/%,test_twins test_memory test_share world))
$(PLAIN_OBJ): ALL_CFLAGS += $(LLHTTP_FLAGS)
$(PLAIN_OBJ): $(B)/obj/plain/%.o: %.c | $(GEN_H)
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/plain -c $< -o $@

$(B)/tests/plain: $(PLAIN_OBJ) $(PROXY_OBJ)
	$(call msg,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(PROXY_LIBS)

# The core and the judge as programs for tests: never linked with the others, never installed.
KERNEL_CORE := $(patsubst %,$(B)/tests/kernel_core/%.bpf.o,core judge)
$(KERNEL_CORE): $(B)/tests/kernel_core/%.o: bpf/tests/kernel_core/%.c | $(B)/gen/http_table.h
	$(call msg,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@
$(B)/tests/bpf: | $(KERNEL_CORE)
unit-bpf: $(KERNEL_CORE)

.PHONY: unit unit-plain
unit: $(addprefix unit-,$(UNIT_FOLDERS)) unit-plain ## unit tests (no root)
unit-plain: $(B)/tests/plain
	$(call msg,TEST,$<)
	$(Q)$<

# Seed and factor can be given: make regex-nightly REGEX_SEED=5 REGEX_TIMES=100
REGEX_SEED ?= $(shell date +%Y%m%d)
REGEX_TIMES ?= 12
.PHONY: regex-nightly
regex-nightly: $(B)/tests/compiler $(B)/tests/proxy ## a million texts and more, compared with RE2; another seed each day
	$(Q)REGEX_SEED=$(REGEX_SEED) REGEX_TIMES=$(REGEX_TIMES) $< --filter 'regex_property/*' --verbose
	$(Q)REGEX_SEED=$(REGEX_SEED) REGEX_TIMES=$(REGEX_TIMES) REGEX_TEXTS=10 $(B)/tests/proxy --filter 'regex_translation/*' --verbose

# The rest drives the above. Everything below works on what is there; nothing needs root but what says so.

JOBS ?= $(shell nproc)
SUB = +$(Q)$(MAKE) --no-print-directory -j$(JOBS)

.PHONY: deps
deps: ## install the Debian packages that are missing for building and testing (root)
	$(Q)tools/deps.sh build test

# Fuzzers: tests/fuzz/fuzz_NAME.c or .cc over a libFuzzer build of the libraries.
FUZZ_SECONDS ?= 10
F := build/fuzz
FUZZ_FLAGS := -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -D_GNU_SOURCE -I. -Ibuild/gen -MMD -MP
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c tests/fuzz/fuzz_*.cc)
FUZZ_BIN := $(patsubst tests/fuzz/%,$(F)/%,$(basename $(FUZZ_SRC)))
FUZZ_LIB_OBJ := $(patsubst %.c,$(F)/obj/%.o,$(LINT_SRC) $(COMPILER_SRC) $(POLICY_SRC) $(BASE_SRC))
FUZZ_HELPER_SRC := $(filter-out $(FUZZ_SRC),$(wildcard tests/fuzz/*.c))
FUZZ_HELPER_OBJ := $(patsubst %.c,$(F)/obj/%.o,$(FUZZ_HELPER_SRC))

$(F)/obj/%.o: %.c | $(GEN_H:$(B)/%=build/%)
	$(call msg,FUZZCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -std=gnu17 $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -c $< -o $@

$(F)/obj/%.o: %.cc | $(GEN_H:$(B)/%=build/%)
	$(call msg,FUZZCXX,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANGXX) -std=gnu++17 $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -c $< -o $@

$(F)/fuzz_%: $(F)/obj/tests/fuzz/fuzz_%.o $(FUZZ_HELPER_OBJ) $(FUZZ_LIB_OBJ)
	$(call msg,LD,$@)
	$(Q)$(CLANGXX) -fsanitize=fuzzer,address,undefined $^ -o $@ $(COMPILER_LIBS) -lre2 $(FUZZ_MORE_LIBS)

# What this one compares with is shared with the unit tests.
$(F)/fuzz_regex: $(patsubst %,$(F)/obj/compiler/tests/%.o,re_compare re2_oracle)

# These compare with llhttp, whose C sources Debian ships, and start from the golden requests.
LLHTTP_OBJ := $(patsubst %,$(F)/obj/llhttp/%.o,api http llhttp)
GOLDEN := testdata/http/requests.md testdata/http/streams.md
$(patsubst %,$(F)/obj/tests/fuzz/fuzz_%.o,http stream follow raw): FUZZ_FLAGS += $(LLHTTP_FLAGS)
$(F)/obj/llhttp/%.o: /usr/share/llhttp/%.c
	$(call msg,FUZZCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -g -O1 -fsanitize=fuzzer-no-link $(LLHTTP_FLAGS) -c $< -o $@
$(F)/fuzz_http: $(LLHTTP_OBJ) | $(F)/seeds/http
$(F)/fuzz_stream: $(LLHTTP_OBJ) | $(F)/seeds/stream
$(F)/fuzz_follow: $(LLHTTP_OBJ)
FUZZ_PROXY_OBJ := $(patsubst %.c,$(F)/obj/%.o,$(PROXY_SRC) enforcer/calls.c enforcer/reply.c enforcer/tally.c enforcer/verdict.c enforcer/wire.c enforcer/wish.c)
$(patsubst %,$(F)/obj/tests/fuzz/fuzz_%.o,proxy h2) $(FUZZ_PROXY_OBJ): FUZZ_FLAGS += $(LLHTTP_FLAGS)
$(F)/fuzz_proxy $(F)/fuzz_h2: FUZZ_MORE_LIBS := -lpcre2-8 -lnghttp2 -lseccomp
$(F)/fuzz_proxy $(F)/fuzz_h2: $(FUZZ_PROXY_OBJ) $(LLHTTP_OBJ)
$(F)/fuzz_proxy: | $(F)/seeds/proxy
$(F)/fuzz_h2: | $(F)/seeds/h2
$(F)/seeds/h2: tests/fuzz/h2_seeds.py
	$(call msg,SEEDS,$@)
	$(Q)rm -rf $@ && python3 $< $@
$(F)/fuzz_raw: $(LLHTTP_OBJ) | $(F)/seeds/raw
$(F)/seeds/raw $(F)/seeds/stream $(F)/seeds/proxy: $(F)/seeds/http
	$(Q)rm -rf $@ && cp -r $< $@
	$(if $(@:%/proxy=),,$(Q)python3 tests/fuzz/normal_seeds.py $@ testdata/http/normal.md)
$(F)/seeds/proxy: tests/fuzz/normal_seeds.py testdata/http/normal.md
$(F)/seeds/http: tests/fuzz/http_seeds.py tests/e2e/vectors.py $(GOLDEN)
	$(call msg,SEEDS,$@)
	$(Q)rm -rf $@ && python3 $< $@ 07 $(GOLDEN)

# What the daemon's reader of files hands over to it.
$(F)/fuzz_parcel: $(patsubst %,$(F)/obj/enforcer/%.o,handover parcel) | $(F)/seeds/parcel
# Bundles as they are handed over, without length and checksum, behind no diagnostics.
$(F)/seeds/parcel: $(F)/seeds/bundle
	$(call msg,SEEDS,$@)
	$(Q)rm -rf $@ && mkdir -p $@ && for b in $</*; do \
		{ printf '\0\0\0'; head -c 16 $$b; head -c 12 /dev/zero; tail -c +29 $$b; } >$@/$${b##*/}; done

# What its other processes say to the daemon.
FUZZ_READER_OBJ := $(patsubst %,enforcer/%.o,bucket parcel reader said wire)
FUZZ_DUES_OBJ := $(patsubst %,enforcer/%.o,dues proxied tally wire)
FUZZ_JUDGED_OBJ := $(patsubst %,enforcer/%.o,flow flow_make flow_policy flow_read flow_request flow_time flow_wishes identity \
	judged verdict)
$(F)/fuzz_reader: $(FUZZ_READER_OBJ:%=$(F)/obj/%)
$(F)/fuzz_dues: $(FUZZ_DUES_OBJ:%=$(F)/obj/%)
$(F)/fuzz_judged: $(FUZZ_JUDGED_OBJ:%=$(F)/obj/%)
$(F)/fuzz_judged: FUZZ_MORE_LIBS := -ljansson

# Bundles of the present form; what the compiler writes changes more often than anybody renews files.
$(F)/fuzz_bundle: | $(F)/seeds/bundle
$(F)/seeds/bundle: tests/fuzz/bundle_seeds.sh $(B)/postern
	$(call msg,SEEDS,$@)
	$(Q)rm -rf $@ && $< $(B)/postern $@

# What real servers make of the bytes that the judge lets through: tests/garden/README.md.
GARDEN_SECONDS ?= 30
$(B)/garden/judge_streams: $(B)/obj/tests/garden/judge_streams.o $(COMPILER_OBJ)
	$(call msg,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(COMPILER_LIBS)

.PHONY: garden
garden: $(B)/postern $(B)/garden/judge_streams ## what real servers make of what is judged, for GARDEN_SECONDS (default 30)
	$(Q)tests/garden/run.sh $(GARDEN_SECONDS)

# The same targets with a main of their own, once over what is known to be interesting: no libFuzzer needed.
REPLAY := policy lint bundle reader dues
REPLAY_BIN := $(REPLAY:%=$(B)/replay/fuzz_%)
$(B)/replay/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(B)/obj/tests/fuzz/replay/main.o $(LINT_OBJ)
	$(call msg,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(COMPILER_LIBS)

$(B)/replay/fuzz_reader: $(FUZZ_READER_OBJ:%=$(B)/obj/%) $(patsubst %,$(B)/obj/tests/fuzz/%.o,rules told)
$(B)/replay/fuzz_dues: $(FUZZ_DUES_OBJ:%=$(B)/obj/%) $(B)/obj/tests/fuzz/told.o

.SECONDARY: $(B)/obj/tests/fuzz/replay/main.o $(FUZZ_LIB_OBJ) $(FUZZ_HELPER_OBJ) $(FUZZ_BIN:$(F)/%=$(F)/obj/tests/fuzz/%.o)
.PHONY: replay
replay: $(REPLAY_BIN) $(F)/seeds/bundle ## run the fuzz targets once over the seeds and all policies that are here
	$(Q)tools/replay.sh $(REPLAY_BIN)

# Some of them for a night: make fuzz-nightly FUZZ_NIGHT='http h2'
FUZZ_NIGHT ?= policy lint regex bundle raw http stream flow follow
FUZZ_NIGHT_BIN = $(FUZZ_NIGHT:%=$(F)/fuzz_%)
.PHONY: fuzz-nightly
fuzz-nightly: ## fuzzers of loader, linter, regex (RE2), bundles, explain --raw (llhttp), the judge; an hour each
	$(SUB) $(FUZZ_NIGHT_BIN)
	$(Q)tools/fuzz.sh 3600 $(FUZZ_NIGHT_BIN)

.PHONY: fuzz-build fuzz
fuzz-build: $(FUZZ_BIN)
fuzz: ## build the fuzzers, run each for FUZZ_SECONDS (default 10)
	$(SUB) fuzz-build
	$(Q)tools/fuzz.sh $(FUZZ_SECONDS) $(FUZZ_BIN)

# posternd as another version of it would be: its maps are not those of this one (tests/e2e/other_schema.sh).
OTHER := $(B)/other
OTHER_C := enforcer/loader $(basename $(shell grep -ls PST_ABI_VERSION $(wildcard enforcer/*.c compiler/*.c)))
OTHER_BPF := $(BPF_SRC:bpf/%.bpf.c=$(OTHER)/%.bpf.o)
OTHER_OBJ := $(OTHER_C:%=$(OTHER)/obj/%.o)
$(OTHER)/bpf/abi.h: tests/e2e/other_schema.sh $(wildcard bpf/*.h bpf/*.c)
	$(call msg,COPY,$(@D))
	$(Q)$< $(OTHER)
$(OTHER_BPF): $(OTHER)/%.bpf.o: $(OTHER)/bpf/abi.h $(B)/gen/http_table.h
	$(call msg,BPF,$@)
	$(Q)$(CLANG) -I$(OTHER) $(BPF_CFLAGS) -c $(OTHER)/bpf/$*.bpf.c -o $@
$(OTHER)/postern.skel.h: $(OTHER_BPF)
	$(call msg,SKEL,$@)
	$(Q)$(BPFTOOL) gen object $(OTHER)/postern.o $^
	$(Q)$(BPFTOOL) gen skeleton $(OTHER)/postern.o name postern_bpf >$@.tmp
	$(Q)mv $@.tmp $@
$(OTHER_OBJ): $(OTHER)/obj/%.o: %.c $(OTHER)/postern.skel.h | $(GEN_H)
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -I$(OTHER) $(ALL_CFLAGS) -c $< -o $@
$(OTHER)/posternd: $(B)/obj/enforcer/main.o $(OTHER_OBJ) $(filter-out $(call obj,$(OTHER_C:%=%.c)),$(ENFORCER_OBJ))
	$(call msg,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(ENFORCER_LIBS)

.PHONY: e2e e2e-build
e2e-build: all $(B)/garden/judge_streams build/tools/count_flows build/other/posternd
e2e: e2e-build ## end-to-end tests in namespaces (root; without it they are skipped)
	$(Q)tests/e2e/run.sh

# Policies change each second, pods come and go, 1,000 connections ask: nothing may leak, no verdict be wrong.
SOAK_MINUTES ?= 20
.PHONY: soak soak-nightly
soak: e2e-build ## SOAK_MINUTES (default 20) of load and changes: no leak, no wrong verdict (root)
	$(Q)SOAK_MINUTES=$(SOAK_MINUTES) E2E_TIMEOUT=$$(($(SOAK_MINUTES) * 60 + 900)) \
		tests/e2e/run.sh t_a_soak_leaks_nothing_and_errs_never && cat build/e2e/t_a_soak_leaks_nothing_and_errs_never.log
soak-nightly: ## the same for an hour
	$(SUB) soak SOAK_MINUTES=60

# Names of guards, or all: make mutants MUTANTS=shared-pages
.PHONY: mutants mutants-unit
mutants: e2e-build $(B)/tests/bpf ## take each guard of the judge out and see its test fail (root; half an hour)
	$(Q)CC='$(CC)' CLANG='$(CLANG)' tests/mutants/run.py $(MUTANTS)
mutants-unit: $(B)/tests/bpf ## the same for guards with unit tests (no root)
	$(Q)CC='$(CC)' CLANG='$(CLANG)' tests/mutants/run.py --unit
print-%: ; @echo '$($*)'

.PHONY: lint-tests
lint-tests: all ## the linter as CI systems run it: SARIF schema, GitHub action, pre-commit
	$(Q)tests/lint/run.sh

.PHONY: packaging-tests
packaging-tests: all build/deb/done ## what is installed, and how: completion, the package (root: under systemd)
	$(Q)tests/packaging/run.sh

.PHONY: test
test: ## all tests: unit (plain and sanitized), fuzzers, end to end; installs what is missing when root
	$(Q)tools/deps.sh build test deb
	$(Q)tools/run_tests.sh

# Not to have an emulator, or no way to a mirror of Debian's, skips it: run.sh says so.
KERNELS ?= all
.PHONY: test-kernels
test-kernels: ## boot Debian's kernels (KERNELS=6.1, 6.12 or all) in qemu: do the programs load and enforce?
	$(Q)tools/deps.sh kernels || true
	$(SUB) all build/tools/verifier_stats
	$(Q)tests/kernels/run.sh $(KERNELS) || [ $$? -eq 77 ]

.PHONY: demo
demo: ## build, then show a request denied in the kernel (root); installs what is missing
	$(Q)tools/deps.sh build test
	$(SUB) all
	$(Q)tests/e2e/demo.sh

.PHONY: bench
bench: ## measure; installs what is missing (root)
	$(Q)tools/deps.sh build test
	$(SUB) all build/bench/engines build/bench/rules build/bench/pace $(KERNEL_CORE)
	$(Q)tests/bench/compile.py
	$(Q)tests/bench/walk.sh
	$(Q)tests/bench/run.sh

.PHONY: bench-proxy
bench-proxy: build/postern-proxy ## measure postern-proxy beside nginx and HAProxy (no root)
	$(Q)tests/bench/proxy.sh

.PHONY: bench-floods
bench-floods: build/postern-proxy ## measure what attacks by HTTP/2 cost postern-proxy, HAProxy and nghttpx (no root)
	$(Q)tests/bench/floods.py

# The twins of the ruler, what threads share, and the whole proxy with several of them.
.PHONY: tsan-proxy
tsan-proxy: ## look for races between the threads of the proxy, with TSan (no root)
	$(SUB) SAN=thread build/tsan/postern-proxy build/tsan/tests/plain
	$(Q)build/tsan/tests/plain
	$(Q)POSTERN_PROXY=build/tsan/postern-proxy python3 tests/e2e/threads.py
	$(Q)POSTERN_PROXY=build/tsan/postern-proxy python3 tests/e2e/proxy.py

.PHONY: bench-diff
bench-diff: build/postern ## measure postern diff over 1,000 policies (no root)
	$(Q)tests/bench/diff.sh build/postern

$(B)/bench/pace: $(B)/obj/tests/bench/pace.o
	$(call msg,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@

$(B)/bench/resolve: $(B)/obj/tests/bench/resolve.o $(COMPILER_OBJ)
	$(call msg,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(COMPILER_LIBS)

.PHONY: bench-resolve
bench-resolve: $(B)/bench/resolve ## measure resolution of 10,000 policies and 5,000 pods (no root)
	$(Q)$<

$(B)/bench/reload: $(call obj,tests/bench/reload.c enforcer/sources.c enforcer/parcel.c) $(COMPILER_OBJ)
	$(call msg,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(COMPILER_LIBS)

.PHONY: bench-reload
bench-reload: $(B)/bench/reload ## measure what one changed policy among 10,000 costs the daemon's reader, and its memory (no root)
	$(Q)tests/bench/reload.sh $<

# What the measurements of automata are made with.
$(B)/bench/engines: $(call obj,tests/bench/engines.c compiler/tests/re2_oracle.cc) $(COMPILER_OBJ)
	$(call msg,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CXX) $(ALL_LDFLAGS) $^ -o $@ $(COMPILER_LIBS) -lre2 -lpcre2-8
$(B)/bench/rules: $(call obj,tests/bench/rules.c bpf/tests/kernel.c) $(COMPILER_OBJ)
	$(call msg,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(COMPILER_LIBS) -lbpf -lelf
$(B)/bench/head: $(call obj,tests/bench/head.c bpf/tests/kernel.c bpf/tests/core.c bpf/tests/ring.c) $(COMPILER_OBJ)
	$(call msg,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -o $@ $(COMPILER_LIBS) -lbpf -lelf -lcriterion

.PHONY: bench-compile bench-walk
bench-compile: build/postern ## measure postern compile over 10,000 HTTP rules (no root)
	$(Q)tests/bench/compile.py --postern build/postern
bench-walk: build/bench/engines build/bench/rules $(KERNEL_CORE) ## measure the walker beside RE2 and PCRE2, and a request by 1 to 10,000 rules (root: also in the kernel)
	$(Q)tests/bench/walk.sh

.PHONY: bench-judge bench-head
bench-judge: $(B)/posternd ## measure what a judged request costs in the kernel (root)
	$(Q)tests/bench/judge.sh
bench-head: $(B)/bench/head $(KERNEL_CORE) ## the judge's part of it alone, HEADS_OF= other builds of judge.bpf.o beside it (root)
	$(Q)$< $(B)/tests/kernel_core/judge.bpf.o $(HEADS_OF)

.PHONY: bench-propagation
bench-propagation: $(B)/posternd ## measure how long one changed policy among 10,000 takes to be enforced (root)
	tests/bench/propagation.sh

.PHONY: bench-build
bench-build: $(addprefix $(B)/bench/,resolve reload engines rules head pace)

.PHONY: bench-lint
bench-lint: build/postern ## measure postern lint over 10,000 policies (no root)
	$(Q)tests/bench/lint.py --postern build/postern

# The house rules. check_*.py and .clang-tidy say what they are; CONTRIBUTING.md says why.
CODE_DIRS := base policy compiler lint bpf enforcer proxy cli tests tools
FORMATTED := $(shell find $(CODE_DIRS) \( -name '*.c' -o -name '*.h' -o -name '*.cc' \) \
	! -path 'tools/tests/*')
TIDY_SRC := $(filter-out %.bpf.c,$(wildcard $(CODE_DIRS:%=%/*.c) $(CODE_DIRS:%=%/tests/*.c) tests/plain/*.c))
TIDY_OK := $(TIDY_SRC:%.c=build/tidy/%.ok)

.PHONY: check
check: ## format, warnings, house rules, includes, clang-tidy, verifier budget
	$(SUB) -k -Otarget check-format check-style check-includes check-rules check-tools \
		all unit-build check-tidy check-bpf
	@echo 'check: all passed'

.PHONY: check-format check-style check-includes check-rules check-tools check-tidy check-bpf unit-build
unit-build: $(UNIT_FOLDERS:%=$(B)/tests/%) $(B)/tests/plain

check-format: ## clang-format would change nothing
	$(call msg,FORMAT,$(words $(FORMATTED)) files)
	$(Q)clang-format --dry-run -Werror $(FORMATTED) || { echo 'make format repairs this'; exit 1; }

check-style: ## the rules of CONTRIBUTING.md that a machine can check
	$(call msg,STYLE,$(CODE_DIRS))
	$(Q)python3 tools/check_style.py

check-includes: ## which folder may include which
	$(call msg,INCLUDE,$(CODE_DIRS))
	$(Q)python3 tools/check_includes.py

check-rules: ## every id of a diagnostic is in the linter's table, and the other way round
	$(call msg,RULES,lint)
	$(Q)python3 tools/check_rules.py

check-tools: ## the checkers' own tests
	$(Q)set -e; for t in tools/tests/t_*.sh; do $$t; done

# The analyzer does not know the cleanup attribute (clang 14) and is slow on assertions; tests run under
# the sanitizers anyway. The loader includes a generated skeleton, whose ownership it cannot follow.
TIDY_FLAGS = $(if $(findstring tests/,$*),--checks=-clang-analyzer-*) \
	$(if $(filter enforcer/loader,$*),--checks=-clang-analyzer-unix.Malloc)

# A file is looked at again when it, a header of its, or the list of checks has changed.
build/tidy/%.ok: build/obj/%.o .clang-tidy tools/tidy_model.h
	$(call msg,TIDY,$*.c)
	$(Q)mkdir -p $(@D)
	$(Q)clang-tidy --quiet $(TIDY_FLAGS) $*.c -- -std=gnu17 -D_GNU_SOURCE \
		-I. -isystem build/gen -isystem build/skel -isystem /usr/share/include/llhttp $(if $(filter base/%,$*),,-include tools/tidy_model.h) >$@.log 2>&1 || { cat $@.log; exit 1; }
	$(Q)mv $@.log $@

check-tidy: $(TIDY_OK) ## clang-tidy on what changed

build/tools/verifier_stats build/tools/count_flows: build/tools/%: tools/%.c
	$(call msg,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -O1 -g $(WARN) $< -o $@ -lbpf

check-bpf: $(BPF_OBJ) $(if $(BPF_OBJ),build/tools/verifier_stats) ## what the verifier makes of each program, against testdata/verifier-budget.csv (root), and its stack as 6.1 counts it
	$(Q)tools/verifier_budget.sh $(BPF_OBJ)
	$(Q)$(if $(BPF_OBJ),tools/check_stack.py $(BPF_OBJ))

.PHONY: format budget
budget: $(BPF_OBJ) build/tools/verifier_stats ## make the verifier's present numbers the baseline (root)
	$(Q)tools/verifier_budget.sh --save $(BPF_OBJ)
format: ## clang-format everything
	$(Q)clang-format -i $(FORMATTED)

.PHONY: rule-pages
rule-pages: $(B)/tools/rule_pages ## write docs/rules/ from the linter's table of rules
	$(call msg,PAGES,docs/rules)
	$(Q)mkdir -p docs/rules
	$(Q)$< docs/rules

# Where shells look; Debian's packages have another place for zsh's.
BASH_COMPLETIONS ?= $(PREFIX)/share/bash-completion/completions
ZSH_COMPLETIONS ?= $(PREFIX)/share/zsh/site-functions
FISH_COMPLETIONS ?= $(PREFIX)/share/fish/vendor_completions.d
MAN := $(wildcard docs/*.1 docs/*.5 docs/*.8)

.PHONY: install
install: all ## install below DESTDIR and PREFIX (default /usr/local)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(B)/postern $(DESTDIR)$(PREFIX)/bin/postern
	install -m 755 $(B)/posternd $(DESTDIR)$(PREFIX)/sbin/posternd
	install -m 755 $(B)/postern-proxy $(DESTDIR)$(PREFIX)/sbin/postern-proxy
	install -d $(DESTDIR)$(BASH_COMPLETIONS) $(DESTDIR)$(ZSH_COMPLETIONS) $(DESTDIR)$(FISH_COMPLETIONS)
	$(B)/postern completion bash >$(DESTDIR)$(BASH_COMPLETIONS)/postern
	$(B)/postern completion zsh >$(DESTDIR)$(ZSH_COMPLETIONS)/_postern
	$(B)/postern completion fish >$(DESTDIR)$(FISH_COMPLETIONS)/postern.fish
	$(B)/posternd --completion bash >$(DESTDIR)$(BASH_COMPLETIONS)/posternd
	$(B)/posternd --completion zsh >$(DESTDIR)$(ZSH_COMPLETIONS)/_posternd
	$(B)/posternd --completion fish >$(DESTDIR)$(FISH_COMPLETIONS)/posternd.fish
	$(foreach m,$(MAN),install -D -m 644 $(m) \
		$(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m));)

# debhelper works on a copy of packaging/, and packs what is built here.
.PHONY: deb
deb: build/deb/done ## build/deb/postern_*.deb, with debhelper; installs what is missing when root
build/deb/done: $(BINS) $(MAN) $(shell find packaging -type f)
	$(Q)tools/deps.sh deb
	$(call msg,DEB,build/deb)
	$(Q)packaging/deb.sh build/deb >/dev/null
	$(Q)touch $@

.PHONY: clean
clean: ## remove build/
	$(Q)rm -rf build

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed 's/:.*## /\t/' | sort | expand -t 16

-include $(shell find build -type f -name '*.d' 2>/dev/null)
