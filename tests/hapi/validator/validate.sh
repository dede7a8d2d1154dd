#!/usr/bin/env bash
# Validate resources with HAPI's validator, all of them in one JVM and without a network.
#
# usage: validate.sh FOLDER     FOLDER holds our profiles, ValueSets and CodeSystems
# in and out: see ValidateR4.java; messages of the libraries go to standard error
set -euo pipefail

folder=${1:?usage: validate.sh FOLDER}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/hapi/jars.sh
source "$here/../jars.sh"

classes=$(classes_of "$here/ValidateR4.java")
exec java -Xmx1536m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
  -Dlogback.configurationFile="$here/../server/logback.xml" \
  -cp "$classes:$lib/*" ValidateR4 "$folder"
