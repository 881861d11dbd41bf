#!/bin/sh
# Builds the C library and its tests: build.sh BUILD_DIR OUTPUT_DIR
#
# The library comes to OUTPUT_DIR/lib/OS-ARCHITECTURE. Without cmake or a C compiler the script says so in one
# line and succeeds: the library is then left out of the jar, and the backend reports why. A library that does
# not compile is an error; tests that do not are left out with one line, and test.sh decides whether that may be.
set -eu
build=$1
output=$2
source=$(cd "$(dirname "$0")" && pwd)

mkdir -p "$(dirname "$build")"
rm -rf "$output/lib" "$build/tests-left-out"
for tool in cmake "${CC:-cc}"; do
  if ! command -v "$tool" > /dev/null 2>&1; then
    echo "native backend left out: no $tool (on Debian: apt-get install gcc cmake make)"
    exit 0
  fi
done
cmake -S "$source" -B "$build" > "$build.log" 2>&1 &&
  cmake --build "$build" --target stillgate >> "$build.log" 2>&1 || {
  cat "$build.log" >&2
  exit 1
}
mkdir -p "$output"
cp -R "$build/lib" "$output/"
cmake --build "$build" >> "$build.log" 2>&1 || {
  echo "C tests left out: they do not compile here; $build.log says why"
  touch "$build/tests-left-out"
}
