#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The table of check_includes.py: every arrow that is there, and the tempting ones that are not.

. "$(dirname "$0")/lib.sh"

check() {
	python3 "$tools/check_includes.py" "$scratch"
}

# allowed PATH HEADER, refused PATH HEADER PATTERN: a file PATH with one include of HEADER.
one_include() {
	rm -rf "${scratch:?}"/*
	printf '#include "%s"\n' "$2" | write "$1"
}

allowed() {
	one_include "$1" "$2"
	expect 0 '' "$1 may include $2" check
}

refused() {
	one_include "$1" "$2"
	expect 1 "^$1:1: include of \"$2\": .*$3" "$1 must not include $2" check
}

allowed base/json.c base/mem.h
allowed policy/yaml.c base/mem.h
allowed policy/cnp.c policy/srcmap.h
allowed compiler/ruleset.c policy/policy.h
allowed compiler/ruleset.c bpf/abi.h
allowed compiler/judge.c http_table.h
allowed bpf/http.h http_table.h
allowed bpf/http.h bpf/reason.h
allowed bpf/postern.bpf.c bpf/maps/flow.bpf.h
allowed enforcer/loader.c postern.skel.h
allowed enforcer/loader.c compiler/bundle.h
allowed enforcer/loader.c bpf/abi.h
allowed cli/explain.c compiler/explain.h
allowed cli/status.c enforcer/client.h
allowed compiler/tests/test_nfa.c compiler/nfa.h
allowed compiler/tests/test_nfa.c base/diag.h
allowed tests/fuzz/fuzz_regex.c compiler/nfa.h
allowed tools/gen_http_table.c bpf/reason.h

refused base/json.c policy/policy.h 'base/ must not depend on policy/'
refused policy/cnp.c compiler/compile.h 'must not depend'
refused policy/cnp.c bpf/abi.h 'must not depend'
refused compiler/compile.c policy/srcmap.h 'private'
refused compiler/compile.c enforcer/client.h 'must not depend'
refused compiler/compile.c bpf/maps/flow.bpf.h 'must not depend'
refused compiler/compile.c postern.skel.h 'must not depend'
refused bpf/postern.bpf.c base/mem.h 'bpf/ must not depend on base/'
refused bpf/http.h bpf/cursor.bpf.h 'core headers only'
refused enforcer/loader.c compiler/nfa.h 'private'
refused enforcer/loader.c cli/main.h 'must not depend'
refused cli/main.c bpf/reason.h 'cli/ must not depend on bpf/'
refused cli/main.c enforcer/loader.h 'private'
refused cli/main.c postern.skel.h 'must not depend'
refused policy/tests/test_cnp.c compiler/compile.h 'must not depend'
refused compiler/tests/test_nfa.c policy/srcmap.h 'private'

rm -rf "${scratch:?}"/*
printf '#include <stdio.h>\n#include "base/a.h"\n' | write base/a.c
expect 1 '^base/a.c:1: own header' 'the own header comes first' check
printf '#include "base/a.h"\n#include <stdio.h>\n/* #include "policy/x.h" */\n' | write base/a.c
expect 0 '' 'an include in a comment does not count' check
printf '#include <bpf/libbpf.h>\n' | write base/a.c
expect 0 '' 'a system header may live in a folder with a name of ours' check
printf '' | write base/a.h
printf '#include <base/a.h>\n' | write base/a.c
expect 1 'is ours' 'our headers are in quotes' check

rm -rf "${scratch:?}"/*
printf '#include "base/b.h"\n' | write base/a.h
printf '#include "base/c.h"\n' | write base/b.h
expect 0 '' 'a chain is fine' check
printf '#include "base/a.h"\n' | write base/c.h
expect 1 'include circle: base/a.h -> base/b.h -> base/c.h -> base/a.h' 'a circle is reported' check

finish
