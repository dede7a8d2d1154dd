#!/usr/bin/env bash
# What the real servers of the tests need from the system: a JDK of 17 or newer, Maven and curl for
# HAPI, and PostgreSQL's programs (no running server: the tests start their own).
#
# usage: tools.sh check      say what is missing and how to get it; exit 1 if anything is
#        tools.sh install    install what is missing, with apt-get (Debian, Ubuntu)
#        tools.sh postgres   print the folder of PostgreSQL's programs; exit 1 if there is none
set -euo pipefail

jdk_is_missing() {
  local tool major
  for tool in java javac; do
    command -v $tool >/dev/null || return 0
    major=$($tool -version 2>&1 | grep -oE '[0-9]+' | head -n 1)
    ((major >= 17)) || return 0
  done
  return 1
}

# Debian keeps them in a folder for each version and out of PATH; the newest comes last.
postgres_folder() {
  local program
  if program=$(command -v pg_ctl) && command -v initdb >/dev/null; then
    dirname "$(readlink -f "$program")"
    return
  fi
  for program in /usr/lib/postgresql/*/bin/pg_ctl; do [ -x "$program" ] && dirname "$program"; done |
    sort -V | tail -n 1 | grep .
}

missing_packages() {
  if jdk_is_missing; then echo "openjdk-17-jdk-headless"; fi
  command -v mvn >/dev/null || echo "maven"
  command -v curl >/dev/null || echo "curl"
  postgres_folder >/dev/null || echo "postgresql"
}

check() {
  local missing
  missing=$(missing_packages)
  [ -z "$missing" ] && return
  cat >&2 <<EOF
The tests against real servers need a JDK (17 or newer, with javac), Maven, curl and PostgreSQL.
Missing here, by their Debian names: ${missing//$'\n'/ }

  make setup-system        installs them (Debian, Ubuntu; needs root or sudo)
  make test HAPI=skip      runs all other tests and says what was not tested
EOF
  return 1
}

install() {
  local missing as_root=""
  missing=$(missing_packages)
  if [ -z "$missing" ]; then
    echo "setup-system: JDK, Maven, curl and PostgreSQL are here, nothing to install"
    return
  fi
  command -v apt-get >/dev/null || { check; return 1; }
  [ "$(id -u)" = 0 ] || as_root=sudo
  $as_root apt-get update -qq
  # Debian releases after bookworm have no JDK 17; their default one is newer and serves as well.
  if [[ $missing == *openjdk-17* ]] && ! apt-cache show openjdk-17-jdk-headless >/dev/null 2>&1; then
    missing=${missing/openjdk-17-jdk-headless/default-jdk-headless}
  fi
  # shellcheck disable=SC2086  # a list of names
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing
}

case ${1:-} in
  check | install) "$1" ;;
  postgres) postgres_folder || check ;;
  *) sed -n '2,7s/^# \?//p' "$0" >&2; exit 2 ;;
esac
