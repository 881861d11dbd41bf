#!/bin/sh
# Runs the C tests of a library built by build.sh: test.sh BUILD_DIR [REQUIRED]
#
# REQUIRED are the backends that this build must hear from, as in -Dstillgate.require: where native is among them,
# tests that were left out are an error.
set -eu
case ",${2:-}," in
  *,native,* | *,native:*) left_out=1 ;;
  *) left_out=0 ;;
esac
if [ ! -f "$1/CTestTestfile.cmake" ]; then
  echo "C tests skipped: the library was not built"
  exit $left_out
fi
if [ -f "$1/tests-left-out" ]; then
  echo "C tests skipped: they do not compile here; $1.log says why"
  exit $left_out
fi
cd "$1"
exec ctest --output-on-failure
