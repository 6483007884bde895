#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# bash, zsh and fish complete what the table of verbs has. Keys are pressed on a terminal; of fish its own
# engine is asked for the candidates, which needs none.

set -eu
missing=
for shell in bash zsh fish; do
	"$POSTERN" completion $shell >"$SCRATCH/$shell"
	if ! command -v $shell >/dev/null; then
		missing="$missing $shell"
		continue
	fi
	$shell -n "$SCRATCH/$shell"
	case $shell in
	bash) python3 "$TOP/tests/packaging/press.py" bash "$SCRATCH/bash" ;;
	zsh)
		mkdir "$SCRATCH/functions"
		cp "$SCRATCH/zsh" "$SCRATCH/functions/_postern"
		python3 "$TOP/tests/packaging/press.py" zsh "$SCRATCH/functions/_postern"
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
	fish --no-config -c "source $SCRATCH/fish; complete -C '$line'" | cut -f 1 >"$SCRATCH/offered"
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
echo 'fish: as expected'
