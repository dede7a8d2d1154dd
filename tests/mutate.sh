#!/usr/bin/env bash
# Mutation testing: each small change of a rule in decision/ or plan/ must make a test fail.
#
#   tests/mutate.sh                          all mutants (the better part of an hour on two cores)
#   SAMPLE=10 tests/mutate.sh                every tenth mutant, for a quick look
#   tests/mutate.sh 'b12fhir.plan.*'         those of one room or file
#
# Works on a copy in .cache/mutate, so that the tree stays as it is. Timeouts count as killed.
# What survives is listed at the end; `cd .cache/mutate && mutmut show NAME` prints one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PATH=$PWD/.venv/bin:$PATH
copy=.cache/mutate
rm -rf "$copy"
mkdir -p "$copy"
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
  tar cf - --null --files-from - | tar xf - -C "$copy"
cd "$copy"

cat >setup.cfg <<'EOF'
[mutmut]
source_paths=src
only_mutate=
    src/b12fhir/decision/*
    src/b12fhir/plan/*
also_copy=
    profiles
pytest_add_cli_args=
    -p
    no:cov
    -p
    no:cacheprovider
    -p
    no:pytester
pytest_add_cli_args_test_selection=
    tests/unit/decision
    tests/unit/plan
    tests/spec
EOF

names=("$@")
if [ -n "${SAMPLE:-}" ]; then
  mutmut run --max-children "$(nproc)" 'b12fhir.decision.bands*' >mutate.log
  mapfile -t names < <(python ../../tests/tools/mutants.py names mutants "$SAMPLE")
fi
mutmut run --max-children "$(nproc)" "${names[@]}" >mutate.log || { tail -c 2000 mutate.log; exit 1; }
python ../../tests/tools/mutants.py score mutants
