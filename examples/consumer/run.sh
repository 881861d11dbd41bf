#!/bin/sh
# Builds this project against the installed artifacts and runs it on the class path and on the module path:
# run.sh MODEL
#
# Fails unless both runs find the backends that are in the build usable and expect the same characters.
set -eu
unset CDPATH

here=$(cd -- "$(dirname -- "$0")" && pwd)

. "$here/jdk.sh"

# check NAME OUTPUT: fails unless every backend of the build is usable in OUTPUT.
check() {
  for backend in $backends; do
    echo "$2" | grep -q "^found    $backend: usable" || fail "$backend is not usable on the $1 path"
  done
}

[ $# -eq 1 ] || fail "usage: run.sh MODEL"
[ -f "$1" ] || fail "no such file: $1"
use_jdk_25

# Jars of an earlier version would stay beside the new ones.
rm -rf "$here/target/lib"
mvn -q -B -f "$here/pom.xml" package

# A manifest that names the JDK of the build makes other bytes on another machine.
for artifact in "$here"/target/lib/stillgate-*.jar; do
  (cd "$here/target" && "$JAVA_HOME/bin/jar" xf "$artifact" META-INF/MANIFEST.MF)
  if grep -i 'jdk\|built-by' "$here/target/META-INF/MANIFEST.MF"; then
    fail "the manifest of $(basename "$artifact") says what it was built with"
  fi
done

backends="reference vector"
if "$JAVA_HOME/bin/jar" tf "$here"/target/lib/stillgate-kernels-native-*.jar |
  grep -q '/lib/.*stillgate\.'; then
  backends="$backends native"
fi

echo "on the class path"
class_path=$("$JAVA_HOME/bin/java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED \
  -cp "$here/target/classes:$here/target/lib/*" \
  io.github.stillgate.examples.consumer.NextCharacter "$1")
echo "$class_path"
check class "$class_path"

# No --add-modules: resolving the vector backend, which core's `uses` binds, brings the incubating module in.
echo "on the module path"
module_path=$("$JAVA_HOME/bin/java" \
  --enable-native-access=io.github.stillgate.core,io.github.stillgate.kernel.vector,io.github.stillgate.kernel.ffm \
  -p "$here/target/classes:$here/target/lib" \
  -m io.github.stillgate.examples.consumer/io.github.stillgate.examples.consumer.NextCharacter "$1")
echo "$module_path"
check module "$module_path"

expects=$(echo "$class_path" | grep '^expects  ')
[ "$(echo "$module_path" | grep '^expects  ')" = "$expects" ] ||
  fail "the two runs expect different characters"
