#!/bin/sh
# Links this project, the library and its backends into one image with a Java runtime of its own, and runs it on
# each backend: jlink.sh MODEL
#
# Needs what run.sh has built (target/classes and target/lib) and a JDK 25, nothing else. Fails unless every run
# has the backend that it asks for, finds nothing else missing, and expects the same characters.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/jdk.sh"

[ $# -eq 1 ] || fail "usage: jlink.sh MODEL"
[ -f "$1" ] || fail "no such file: $1"
[ -f "$here/target/classes/module-info.class" ] && [ -d "$here/target/lib" ] ||
  fail "nothing to link: run run.sh first"
use_jdk_25

core=io.github.stillgate.core
program=io.github.stillgate.examples.consumer
vector=io.github.stillgate.kernel.vector
native=io.github.stillgate.kernel.ffm
image=$here/target/image
rm -rf "$image"
# The backends come as services, so they are named. What they need is written into the image's options.
"$JAVA_HOME/bin/jlink" --module-path "$here/target/classes:$here/target/lib" \
  --add-modules "$program,$vector,$native" \
  --add-options " --enable-native-access=$core,$vector,$native" \
  --launcher "next-character=$program/$program.NextCharacter" \
  --strip-debug --no-header-files --no-man-pages --output "$image"
echo "an image of $(du -sm "$image" | cut -f1) MB"

backends="reference vector"
if "$JAVA_HOME/bin/jimage" list --include 'regex:.*stillgate\.(so|dylib|dll)' "$image/lib/modules" |
  grep -q stillgate; then
  backends="$backends native"
fi

expects=
for backend in $backends; do
  output=$("$image/bin/java" -Dstillgate.backend="$backend" -m "$program/$program.NextCharacter" "$1")
  echo "$output" | grep '^backend  '
  echo "$output" | grep -q "^backend  $backend," || fail "the image runs on another backend than $backend"
  characters=$(echo "$output" | grep '^expects  ')
  [ "${expects:-$characters}" = "$characters" ] || fail "$backend expects other characters"
  expects=$characters
done
echo "$expects"
"$image/bin/next-character" "$1" | grep '^found    ' || fail "the image's launcher does not run"
