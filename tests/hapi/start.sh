#!/usr/bin/env bash
# Start a real HAPI FHIR R4 server on loopback and print "PID BASE_URL" once it answers.
#
# usage: start.sh PORT          stop it with: kill PID
# env:   HAPI_OPTS    more JVM flags, e.g. -Dfhir.validateWrites=true (all switches: server/HapiR4Server.java)
#        HAPI_WAIT_S  seconds to wait for the first answer (default 180; the download is not counted)
#        HAPI_XMX     heap (default 1536m)
# The first call downloads about 200 MB of jars. Everything made here lives in .cache/hapi of the repository.
set -euo pipefail

port=${1:?usage: start.sh PORT}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
server=$here/server
cache=$(cd "$here/../.." && pwd)/.cache/hapi
# Named by their sources: an edited pom or server never meets stale jars or classes.
lib=$cache/lib-$(sha256sum "$server/pom.xml" | cut -c1-12)
classes=$cache/classes-$(cat "$server/pom.xml" "$server/HapiR4Server.java" | sha256sum | cut -c1-12)
log=$cache/run/$port.log
base=http://127.0.0.1:$port/fhir

# Fill a directory under another name, then rename it: an interrupted download leaves nothing half-done.
make_dir() { # make_dir DIRECTORY COMMAND...  (the command is given the temporary directory last)
  local target=$1 part
  shift
  [ -d "$target" ] && return
  part=$(mktemp -d "$target.part-XXXXXX")
  if ! "$@" "$part" >&2; then
    rm -rf "$part"
    return 1
  fi
  mv "$part" "$target"
}

download_jars() {
  echo "hapi: copying the server's jars (first time: about 200 MB from Maven Central) ..." >&2
  mvn -q -B -Dstyle.color=never -f "$server/pom.xml" -DincludeScope=runtime -DoutputDirectory="$1" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies
}

compile_server() {
  javac -proc:none -nowarn -Xlint:-removal -cp "$lib/*" -d "$1" "$server/HapiR4Server.java"
}

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

mkdir -p "$cache/run"
{
  flock 9 # two starts at the same time share one download
  make_dir "$lib" download_jars
  make_dir "$classes" compile_server
} 9>"$cache/lock"

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
