#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Each rule of check_style.py: a tree that it accepts, and the same tree with one mistake.

. "$(dirname "$0")/lib.sh"

good() {
	rm -rf "${scratch:?}"/*
	write base/a.h <<-'EOF'
	/* SPDX-License-Identifier: Apache-2.0 */
	#pragma once

	/* sprintf() and _names in comments do not count. */
	int pst_a_get(void);
	EOF
	write base/a.c <<-'EOF'
	// SPDX-License-Identifier: Apache-2.0
	#include "base/a.h"

	#include <stdio.h>

	static const char *const words = "malloc(1) _x printf(2) __bpf__";

	int pst_a_get(void)
	{
		pst_auto_fd int fd = -1;
		pst_auto_free char *p = NULL;
		__u32 n = (__u32)sizeof(words);

		return __builtin_popcount(n) + fd + !p;
	}
	EOF
	write bpf/compat.h <<-'EOF'
	/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
	#pragma once
	#ifdef __bpf__
	#endif
	EOF
}

check() {
	python3 "$tools/check_style.py" "$scratch"
}

# bad RULE PATH: standard input, appended to PATH, breaks RULE and no other.
bad() {
	good
	cat >>"$scratch/$2"
	expect 1 "^$2:[0-9]+: .*\[$1\]\$" "$1 is reported" check
	expect 0 '^1$' "$1 is reported once" sh -c \
		"python3 '$tools/check_style.py' '$scratch' | wc -l"
}

lines() {
	local i
	for ((i = 0; i < $1; i++)); do
		printf '%s\n' "$2"
	done
}

good
expect 0 '' 'a good tree passes' check

good
sed -i 1d "$scratch/base/a.c"
expect 1 '^base/a.c:1: .*\[spdx\]' 'a missing licence is reported' check
good
sed -i '1s/Apache-2.0/MIT/' "$scratch/base/a.c"
expect 1 '^base/a.c:1: .*\[spdx\]' 'another licence is reported' check
good
sed -i '1s/GPL.*Clause/Apache-2.0/' "$scratch/bpf/compat.h"
expect 1 '^bpf/compat.h:1: .*\[spdx\]' 'bpf/ has the dual licence' check
good
sed -i 2d "$scratch/base/a.h"
expect 1 '^base/a.h:.*\[pragma_once\]' 'a header without pragma once is reported' check
good
echo 'echo' | write deploy/x.sh
expect 1 '^deploy/x.sh:1: ' 'a script without a licence is reported' check

bad leading_underscore base/a.c <<<'static int _mine;'
bad leading_underscore base/a.h <<<'#define _A_H'
bad leading_underscore base/a.c <<<'struct __thing;'

# 77 lines between the braces and three around them make 80.
good
{ echo 'int pst_long(void)'; echo '{'; lines 77 '	pst_x();'; echo '}'; } >>"$scratch/base/a.c"
expect 0 '' 'a function of 80 lines passes' check
{ echo 'int pst_long(void)'; echo '{'; lines 78 '	pst_x();'; echo '}'; } | bad function_length base/a.c
{ echo 'int pst_long(int a,'; echo '	     int b)'; echo '{'; lines 77 '	pst_x();'; echo '}'; } |
	bad function_length base/a.c

good
lines $((700 - $(wc -l <"$scratch/base/a.c"))) 'int pst_a_get(void);' >>"$scratch/base/a.c"
expect 0 '' 'a file of 700 lines passes' check
echo 'int pst_a_get(void);' >>"$scratch/base/a.c"
expect 1 '^base/a.c:700: .*\[file_length\]' 'a file of 701 lines is reported' check

bad auto_sentinel base/a.c <<<'	pst_auto_fd int fd;'
bad auto_sentinel base/a.c <<<'	pst_auto_fd int fd = 0;'
bad auto_sentinel base/a.c <<<'	pst_auto_free char *p;'
good
echo '	pst_auto_fd int fd = open(path, O_RDONLY);' >>"$scratch/base/a.c"
expect 0 '' 'a descriptor may start with the call that opens it' check

for call in 'sprintf(a, b)' 'strcpy(a, b)' 'strcat(a, b)' 'alloca(3)' 'malloc(3)' 'calloc(1, 2)' \
	'realloc(p, 3)' 'strdup(p)'; do
	bad forbidden_calls base/a.c <<<"	x = $call;"
done
good
echo '	x = malloc(3);' >>"$scratch/base/a.c"
mv "$scratch/base/a.c" "$scratch/base/mem.c"
expect 0 '' 'base/mem.c may allocate' check

bad library_prints base/a.c <<<'	printf("x");'
bad library_prints base/a.c <<<'	fprintf(stderr, "x");'
good
sed 's/pst_a_get/pst_b/' "$scratch/base/a.c" | sed 's/return/printf("x");\n\treturn/' | write cli/b.c
expect 0 '' 'the command may print' check

bad include_form base/a.c <<<'#include "a.h"'
bad include_form base/a.c <<<'#include "base/../a.h"'
bad bpf_macro base/a.c <<<'#ifdef __bpf__'

bad blanks base/a.c <<<'	x = 1; '
bad blanks base/a.c <<<'        x = 1;'
bad blanks base/a.c < <(printf '  \tx = 1;\n')
bad blanks base/a.c < <(printf '\n\n')

hundred=$(printf '%100s' '' | tr ' ' x)
good
echo "${hundred%x};" >>"$scratch/base/a.c"
expect 0 '' 'a line of 100 columns passes' check
bad columns base/a.c <<<"$hundred;"
bad columns base/a.c < <(printf '\t%s;\n' "${hundred%xxxxxxxx}")
good
echo "	\"$hundred\"" >>"$scratch/base/a.c"
expect 0 '' 'a literal is not split' check
good
echo "	ends(\"$hundred\"," >>"$scratch/base/a.c"
expect 0 '' 'a literal is not split where it is the first argument' check
bad columns base/a.c <<<"	y = x + ends(\"$hundred\");"

bad broken_comments base/a.c < <(printf '/*\n * One line that goes on in the\n *next.\n */\n')
bad notes_to_self base/a.c < <(printf '/* %s: later */\n' TO''DO)

finish
