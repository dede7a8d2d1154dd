# Sourced by start.sh and validator/validate.sh: HAPI's jars and our classes, made once and cached.
#
# One download serves the server and the validator, whose jars are among the server's. Everything made
# lives in .cache/hapi of the repository.
# shellcheck shell=bash

hapi=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pom=$hapi/server/pom.xml
cache=$(cd "$hapi/../.." && pwd)/.cache/hapi
# Named by their sources: an edited pom or program never meets stale jars or classes.
lib=$cache/lib-$(sha256sum "$pom" | cut -c1-12)

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
  echo "hapi: copying the jars (first time: about 200 MB from Maven Central) ..." >&2
  mvn -q -B -Dstyle.color=never -f "$pom" -DincludeScope=runtime -DoutputDirectory="$1" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies
}

compile() { # compile SOURCE DIRECTORY
  javac -proc:none -nowarn -Xlint:-removal -XDsuppressNotes -cp "$lib/*" -d "$2" "$1"
}

classes_of() { # classes_of SOURCE: makes them, and the jars, if need be; prints the directory
  local classes
  classes=$cache/classes-$(cat "$pom" "$1" | sha256sum | cut -c1-12)
  mkdir -p "$cache/run"
  {
    flock 9 # two starts at the same time share one download
    make_dir "$lib" download_jars
    make_dir "$classes" compile "$1"
  } 9>"$cache/lock"
  echo "$classes"
}
