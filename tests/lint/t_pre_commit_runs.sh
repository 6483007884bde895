#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The hooks of .pre-commit-hooks.yaml, run by pre-commit itself. It takes them from a repository: a
# copy of what is here, without the sources, so that the script finds a command that is built.

set -eu
command -v pre-commit >/dev/null || { echo 'no pre-commit'; exit 77; }
command -v git >/dev/null || { echo 'no git'; exit 77; }
export HOME=$SCRATCH/home PRE_COMMIT_HOME=$SCRATCH/cache
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
mkdir -p "$HOME" "$SCRATCH/bin" "$SCRATCH/hooks/deploy" "$SCRATCH/hooks/build" "$SCRATCH/repo"
ln -s "$POSTERN" "$SCRATCH/bin/postern"
PATH=$SCRATCH/bin:$PATH

cd "$SCRATCH/hooks"
cp "$TOP/.pre-commit-hooks.yaml" .
cp "$TOP/deploy/pre-commit.sh" deploy/
ln -s "$POSTERN" build/postern-cli
git init -q . && git add -f . && git commit -qm hooks

cd "$SCRATCH/repo"
git init -q .
cat >.pre-commit-config.yaml <<EOF
repos:
- repo: $SCRATCH/hooks
  rev: $(git -C "$SCRATCH/hooks" rev-parse HEAD)
  hooks:
  - id: postern-lint
  - id: postern-lint-script
EOF
cp "$TOP/testdata/policies/good/backend-api.yaml" 'good one.yaml'
echo 'failOn: error' >.postern.yaml
printf 'apiVersion: v1\nkind: Pod\n' >pod.yaml
git add . && git commit -qm good
pre-commit run --all-files || { echo 'good files are refused'; exit 1; }

cp "$TOP/testdata/policies/bad/http.yaml" bad.yaml
git add .
! pre-commit run --all-files >out || { echo 'a bad file is taken'; exit 1; }
for hook in '^postern lint\.*Failed' '^postern lint (builds it)\.*Failed' '^bad.yaml:[0-9]*:[0-9]*: error: '; do
	grep -q "$hook" out || { echo "no $hook in:"; cat out; exit 1; }
done
