#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# check_rules.py on small trees: each way in which an id gets into a diagnostic, and each way in which the
# table and the code can disagree.

. "$(dirname "$0")/lib.sh"

check() {
	python3 "$tools/check_rules.py" "$scratch"
}

# row ID SEVERITY: one row of the table; rows ID...: a table of errors.
row() {
	printf '{\n.id = "%s",\n.severity = PST_SEVERITY_%s,\n},\n' "$1" "$2"
}

rows() {
	rm -rf "${scratch:?}"/*
	for id; do row "$id" ERROR; done | write lint/rules_input.c
}

# code PATH: standard input is a function body that reports something.
code() {
	{ printf 'static int f(int e)\n{\n'; cat; printf '}\n'; } | write "$1"
}

rows some-mistake
code policy/x.c <<<'	return pst_diags_error(d, "some-mistake", &pos, "text, with (all) \"sorts\"");'
expect 0 '' 'an id with its row' check

rows
code policy/x.c <<<'	return pst_diags_error(d, "some-mistake", &pos, "text");'
expect 1 '^policy/x.c:3: "some-mistake" has no row' 'an id without a row, with its line' check

rows some-mistake other-mistake
code policy/x.c <<<'	return pst_diags_error(d, "some-mistake", &pos, "text");'
expect 1 'nothing reports other-mistake' 'a row that nothing reports' check

rows some-mistake some-mistake
code policy/x.c <<<'	return pst_diags_error(d, "some-mistake", &pos, "text");'
expect 1 'some-mistake has a row already' 'two rows of one id' check

rows some-mistake
code policy/x.c <<<'	pst_diags_add(d, PST_SEVERITY_WARNING, "some-mistake", &pos, "text");'
expect 1 'is reported as warning, its row says error' 'another severity' check

rows unsupported-thing
code policy/x.c <<<'	return pst_reader_unsupported(r, "unsupported-thing", &pos, "text");'
expect 1 'is reported as info, its row says error' 'what is not supported is an info' check

rows one-mistake other-mistake
code policy/x.c <<<'	return pst_diags_error(d, e ? "one-mistake" : "other-mistake", &pos, "text");'
expect 0 '' 'two ids of one call' check

rows one-mistake
code policy/x.c <<<'	return pst_diags_error(d, e ? "one-mistake" : "other-mistake", &pos, "text");'
expect 1 '"other-mistake" has no row' 'the second id of one call' check

rows
write policy/x.c <<'END'
static int fail(struct d *d, enum s severity, const char *id)
{
	pst_diags_add(d, severity, id, &pos, "text");
	return -1;
}

static int use(struct d *d)
{
	return fail(d, PST_SEVERITY_INFO, "some-mistake");
}
END
expect 1 '^policy/x.c:9: "some-mistake" has no row' 'an id that goes through a function' check

row some-mistake WARNING | write lint/rules_input.c
expect 1 'is reported as info, its row says warning' 'its severity goes through as well' check

rows
write policy/x.c <<'END'
static int report(struct d *d, const char *id)
{
	return pst_diags_error(d, id, &pos, "text");
}
END
write policy/y.c <<'END'
static int use(struct d *d)
{
	return report(d->x, d->y);
}
END
expect 0 '' 'a static function of another file is another function' check

rows some-mistake
code policy/x.c <<<'	pst_diags_add(d, e ? PST_SEVERITY_INFO : PST_SEVERITY_ERROR, "some-mistake", &pos, "text");'
expect 0 '' 'a finding may be weaker than its row' check

rows
write policy/x.c <<'END'
#define ROW(what) {.id = "no-" what, .why = "text"}
static const struct row table[] = {ROW("thing")};

static int use(struct d *d, const struct row *f)
{
	return pst_diags_error(d, f->id, &pos, "%s", f->why);
}
END
expect 1 '"no-thing" has no row' 'an id of a table, made by a macro' check

rows
code policy/x.c <<'END'
	const struct { const char *id, *field; } parts[] = {{"some-mistake", "field"}};

	return pst_diags_error(d, parts[e].id, &pos, "text");
END
expect 1 '"some-mistake" has no row' 'an id of a table without member names' check

rows
code policy/x.c <<<'	return pst_diags_error(d, f->id, &pos, "text");'
expect 1 'no table gives f->id an id' 'a member that no table gives' check

rows
code policy/x.c <<<'	return pst_diags_error(d, next_id(), &pos, "text");'
expect 1 'cannot tell the id' 'an id that is computed' check

rows
code policy/pod.c <<<'	return pst_diags_error(d, "some-mistake", &pos, "text");'
expect 0 '' 'inventories are no matter of the linter' check

rows
code policy/x.c <<<'	/* pst_diags_error(d, "some-mistake", &pos, "text") */ return 0;'
expect 0 '' 'a comment reports nothing' check

rows Some_mistake
code policy/x.c <<<'	return pst_diags_error(d, "Some_mistake", &pos, "text");'
expect 1 'is not in kebab-case' 'an id of another form' check

finish
