#!/usr/bin/env bash
# Start the HAPI server, load the bundled cohort, say how to use it, and stop it on Ctrl-C.
#
# usage: serve.sh PORT          env: PYTHON (one that has requests; default python3)
set -euo pipefail

port=${1:?usage: serve.sh PORT}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cohort=$here/../../src/b12fhir/demo/cohort

"$here/tools.sh" check
started=$("$here/start.sh" "$port")
read -r pid base <<<"$started"
# shellcheck disable=SC2064  # the pid of now, not of later
trap "kill $pid 2>/dev/null || true; echo; echo 'hapi: stopped'" EXIT
trap 'exit 0' INT TERM

# 1 means that some resources were refused, and named: the cohort holds a few that no server with
# referential integrity can hold, on purpose.
loaded=0
"${PYTHON:-python3}" "$here/load.py" "$cohort" "$base" || loaded=$?
((loaded <= 1)) || exit "$loaded"
# Somebody who may sign, for the commands that ask for a practitioner.
"${PYTHON:-python3}" "$here/load.py" "$here/ward" "$base"

cat <<EOF

A real FHIR server is running at $base (memory only). Watch the program do its job in another terminal:

  .venv/bin/b12fhir sync --server $base --as-of 2026-11-21

and once more: with unchanged data it writes nothing. Then what waits for a signature, and signing it:

  .venv/bin/b12fhir plans --server $base --as-of 2026-11-21
  .venv/bin/b12fhir approve --server $base --as-of 2026-11-21 --plan KEY --practitioner Practitioner/dr1

Ctrl-C stops the server.
EOF
while kill -0 "$pid" 2>/dev/null; do sleep 1; done
echo "hapi: the server ended by itself; see .cache/hapi/run/$port.log" >&2
exit 1
