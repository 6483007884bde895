#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bash, zsh and fish complete what the table of verbs has. Keys are pressed on a terminal; of fish its own
# engine is asked for the candidates, which needs none.

set -eu
missing=
for shell in bash zsh fish; do
	"$POSTERN" completion $shell >"$SCRATCH/$shell"
	"${POSTERN}d" --completion $shell >"$SCRATCH/${shell}d"
	if ! command -v $shell >/dev/null; then
		missing="$missing $shell"
		continue
	fi
	$shell -n "$SCRATCH/$shell"
	$shell -n "$SCRATCH/${shell}d"
	case $shell in
	bash)
		python3 "$TOP/tests/packaging/press.py" bash "$SCRATCH/bash"
		python3 "$TOP/tests/packaging/press.py" bash "$SCRATCH/bashd" posternd
		;;
	zsh)
		mkdir "$SCRATCH/functions"
		cp "$SCRATCH/zsh" "$SCRATCH/functions/_postern"
		python3 "$TOP/tests/packaging/press.py" zsh "$SCRATCH/functions/_postern"
		cp "$SCRATCH/zshd" "$SCRATCH/functions/_posternd"
		python3 "$TOP/tests/packaging/press.py" zsh "$SCRATCH/functions/_posternd" posternd
		;;
	esac
done
if [ -n "$missing" ]; then
	echo "not installed:$missing"
	exit 77
fi

# offers LINE WORD...: fish has all of these for LINE; "!WORD": it has not.
mkdir "$SCRATCH/home"
export HOME=$SCRATCH/home
cd "$SCRATCH"
touch a-file.yaml
offers() {
	local line=$1 word
	shift
	fish --no-config -c "source $SCRATCH/fish; source $SCRATCH/fishd; complete -C '$line'" | cut -f 1 >"$SCRATCH/offered"
	for word; do
		case $word in
		!*) ! grep -qxFe "${word#!}" "$SCRATCH/offered" || word= ;;
		*) grep -qxFe "$word" "$SCRATCH/offered" || word= ;;
		esac
		if [ -z "$word" ]; then
			echo "FAILED: fish: '$line': expected $*, got:"
			cat "$SCRATCH/offered"
			exit 1
		fi
	done
}
offers 'postern ' lint compile explain observe completion help !--format
offers 'postern li' lint !compile
offers 'postern lint --fo' --format
offers 'postern lint --format ' text sarif gitlab
offers 'postern lint --format=sar' --format=sarif
offers 'postern test --format ' junit !sarif
offers 'postern lint --explain unsupported-fq' unsupported-fqdn
offers 'postern explain --policy test --dir' --direction
offers 'postern explain --policy test --' --direction !--require-tests
offers 'postern explain --direction ' ingress egress !a-file.yaml
offers 'postern lint a-' a-file.yaml
offers 'postern regex a-' !a-file.yaml
offers 'postern policy ' get
offers 'posternd --inv' --inventory
offers 'posternd --events ' denied all none !a-file.yaml
offers 'posternd --policy a-' a-file.yaml
echo 'fish: as expected'
