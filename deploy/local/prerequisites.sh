#!/bin/sh
# Says for each missing or outdated program what is missing, why it is needed and how to install it,
# all of them at once, and exits with 1. Plain sh, since it runs before there is any Node module.
#
# usage: prerequisites.sh [node] [java] [maven]
set -u
missing=0

lacks() {
  echo "$1" >&2
  missing=1
}

require_node() {
  version=$(node --version 2>/dev/null) || version=none
  major=$(echo "$version" | sed -n 's/^v\([0-9]*\)\..*/\1/p')
  minor=$(echo "$version" | sed -n 's/^v[0-9]*\.\([0-9]*\)\..*/\1/p')
  if [ "${major:-0}" -gt 20 ] || { [ "${major:-0}" -eq 20 ] && [ "${minor:-0}" -ge 19 ]; }; then
    return
  fi
  lacks "Node.js 20.19 or newer is needed to run everything here (found: $version); install it with \
\`curl -fsSL https://deb.nodesource.com/setup_24.x | sudo bash - && sudo apt-get install -y nodejs\` \
(Debian, Ubuntu) or \`brew install node@24\` (macOS)."
}

require_java() {
  java=${JAVA_HOME:+$JAVA_HOME/bin/}java
  version=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
  [ "${version:-0}" -ge 17 ] && return
  lacks "Java 17 or newer is needed to run Kafka and the schema registry (found: ${version:-none}); \
install it with \`sudo apt-get install -y default-jre-headless\` (Debian, Ubuntu; on Ubuntu 22.04 \
\`openjdk-17-jre-headless\`) or \`brew install openjdk@21\` (macOS)."
}

require_maven() {
  command -v mvn >/dev/null 2>&1 && return
  lacks "Maven is needed to download Kafka and the schema registry (found: none); install it with \
\`sudo apt-get install -y maven\` (Debian, Ubuntu) or \`brew install maven\` (macOS)."
}

for program in "$@"; do
  "require_$program"
done
exit $missing
