# For the scripts of the examples, which name themselves in $example: fail, and a JDK 25 in JAVA_HOME.

fail() {
  echo "${example:-consumer}: $*" >&2
  exit 1
}

is_jdk_25() {
  [ -x "$1/bin/javac" ] && [ -f "$1/release" ] || return 1
  major=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release")
  [ -n "$major" ] && [ "$major" -ge 25 ]
}

find_jdk() {
  for candidate in "${JAVA_HOME:-}" \
    "${JDK_25_HOME:-}" \
    /usr/lib/jvm/*25* /usr/lib/jvm/* \
    "${SDKMAN_DIR:-${HOME:-}/.sdkman}"/candidates/java/* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home \
    "${HOME:-}"/Library/Java/JavaVirtualMachines/*/Contents/Home; do
    if [ -n "$candidate" ] && is_jdk_25 "$candidate"; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

use_jdk_25() {
  JAVA_HOME=$(find_jdk) || fail "no JDK 25 found; install one (https://adoptium.net) and set JAVA_HOME"
  export JAVA_HOME
}
