#!/bin/sh
# Builds the C library: build.sh BUILD_DIR OUTPUT_DIR
#
# Without cmake or a C compiler it says so in one line and succeeds: the library is then left out of the jar,
# and the backend reports why. A compiler that is there but fails is an error.
set -eu
build=$1
output=$2
source=$(cd "$(dirname "$0")" && pwd)

mkdir -p "$(dirname "$build")"
rm -rf "$output/lib"
for tool in cmake "${CC:-cc}"; do
  if ! command -v "$tool" > /dev/null 2>&1; then
    echo "native backend left out: no $tool (on Debian: apt-get install gcc cmake make)"
    exit 0
  fi
done
cmake -S "$source" -B "$build" > "$build.log" 2>&1 && cmake --build "$build" >> "$build.log" 2>&1 || {
  cat "$build.log" >&2
  exit 1
}
mkdir -p "$output/lib"
cp "$build"/libstillgate.so "$output/lib/" 2> /dev/null ||
  cp "$build"/libstillgate.dylib "$output/lib/" 2> /dev/null ||
  cp "$build"/*stillgate.dll "$output/lib/stillgate.dll"
