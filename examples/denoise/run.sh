#!/bin/sh
# Builds this project against the installed artifacts and runs it: run.sh MODEL IN.wav OUT.wav
set -eu
unset CDPATH

here=$(cd -- "$(dirname -- "$0")" && pwd)
example=denoise

. "$here/../consumer/jdk.sh"

[ $# -eq 3 ] || fail "usage: run.sh MODEL IN.wav OUT.wav"
use_jdk_25

# Jars of an earlier version would stay beside the new ones.
rm -rf "$here/target/lib"
mvn -q -B -f "$here/pom.xml" package

exec "$JAVA_HOME/bin/java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED \
  -cp "$here/target/classes:$here/target/lib/*" io.github.stillgate.examples.denoise.Denoise "$@"
