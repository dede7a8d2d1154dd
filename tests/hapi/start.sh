#!/usr/bin/env bash
# Start a real HAPI FHIR R4 server on loopback and print "PID BASE_URL" once it answers.
#
# usage: start.sh PORT          stop it with: kill PID
# env:   HAPI_OPTS    more JVM flags, e.g. -Dfhir.validateWrites=true (all switches: server/HapiR4Server.java)
#        HAPI_WAIT_S  seconds to wait for the first answer (default 180; the download is not counted)
#        HAPI_XMX     heap (default 1536m)
# The first call downloads about 200 MB of jars (see jars.sh). The log is in .cache/hapi/run.
set -euo pipefail

port=${1:?usage: start.sh PORT}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
server=$here/server
# shellcheck source=tests/hapi/jars.sh
source "$here/jars.sh"
log=$cache/run/$port.log
base=http://127.0.0.1:$port/fhir

wait_until_ready() { # wait_until_ready PID
  local deadline=$((SECONDS + ${HAPI_WAIT_S:-180}))
  while ((SECONDS < deadline)); do
    if ! kill -0 "$1" 2>/dev/null; then
      { echo "hapi: the server died; the end of $log:"; tail -40 "$log"; } >&2
      return 1
    fi
    if grep -q '^READY ' "$log" && curl -sf -o /dev/null "$base/metadata"; then return; fi
    sleep 0.5
  done
  echo "hapi: no answer at $base in ${HAPI_WAIT_S:-180} s; see $log (HAPI_WAIT_S waits longer)" >&2
  kill "$1"
  return 1
}

classes=$(classes_of "$server/HapiR4Server.java")

# Emptied before the start, for the wait below reads it.
: >"$log"
# A session of its own, so that Ctrl-C in the terminal reaches only the caller, who then stops it by pid.
# shellcheck disable=SC2086  # HAPI_OPTS is a list of flags
setsid java -Xms512m -Xmx"${HAPI_XMX:-1536m}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
  -Dlogback.configurationFile="$server/logback.xml" ${HAPI_OPTS:-} \
  -cp "$classes:$lib/*" HapiR4Server "$port" >"$log" 2>&1 </dev/null &
pid=$!
trap 'kill "$pid"; exit 130' INT TERM # interrupted while waiting: leave no server behind
wait_until_ready "$pid"
echo "$pid $base"
