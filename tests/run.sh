#!/usr/bin/env bash
# All checks and tests, cheapest first. HAPI=skip leaves out the real FHIR server, and says so loudly.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export PATH=$PWD/.venv/bin:$PATH
selection=()

not_tested() {
  cat <<'EOF'

!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!
!!  HAPI=skip: NOT TESTED against a real FHIR server:                           !!
!!    - search, paging and caching, and the transactions of `sync`              !!
!!    - $validate of all that is written; 409 and 412 as a server sends them    !!
!!    - a second sync that writes nothing                                       !!
!!    - the book of cards and feedback, and a sync's place, on PostgreSQL       !!
!!    - a sync killed, doubled or lied to, and its look for changes             !!
!!    - the coverage gate of adapters and wiring (skipped, not lowered)         !!
!!  Everything: make setup-system && make test                                  !!
!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!

EOF
}

step() { # step TITLE COMMAND...
  printf '\n== %s\n' "$1"
  "${@:2}"
}

case ${HAPI:-} in
  "") tests/hapi/tools.sh check ;;
  skip)
    not_tested
    trap not_tested EXIT
    selection=(-m "not hapi")
    ;;
  *)
    echo "HAPI=$HAPI means nothing here; HAPI=skip leaves out the real server" >&2
    exit 2
    ;;
esac

coverage erase
step "format" ruff format --check .
step "lint" ruff check .
step "types" mypy
step "tests" pytest --cov --cov-report= "${selection[@]}"
step "coverage" tests/coverage_gates.sh
