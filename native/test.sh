#!/bin/sh
# Runs the C tests of a library built by build.sh: test.sh BUILD_DIR
set -eu
if [ ! -f "$1/CTestTestfile.cmake" ]; then
  echo "C tests skipped: the library was not built"
  exit 0
fi
cd "$1"
exec ctest --output-on-failure
