#!/usr/bin/env bash
# Finds PostgreSQL, MariaDB and PgBouncer for `npm run test:databases`, or fetches Debian's packages of them. Nothing is installed:
# what is missing is unpacked below .keyturn/databases, which needs apt-get and dpkg, but not root. Prints three lines:
#   postgresql=<folder of initdb and postgres>
#   mariadb=<root of an unpacked mariadbd, or / where it is installed>
#   pgbouncer=<its program>
set -euo pipefail
cd "$(dirname "$0")/.."
cache="$PWD/.keyturn/databases"

postgresql() { find /usr/lib/postgresql "$cache/root/usr/lib/postgresql" -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1 | xargs -r dirname; }
pgbouncer() { find /usr/sbin/pgbouncer "$cache/root/usr/sbin/pgbouncer" 2>/dev/null | head -n 1; }
mariadb() {
  for root in '' "$cache/root"; do
    if [ -x "$root/usr/sbin/mariadbd" ] && [ -x "$root/usr/bin/mariadb-install-db" ]; then echo "${root:-/}" && return; fi
  done
}

# Lists and archives of its own, so that the machine's are neither needed nor changed.
apt() {
  apt-get -qq -o Dir::State="$cache/apt" -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$cache/apt" \
    -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 "$@"
}

fetch() {
  echo "databases.sh: fetching $* into .keyturn/databases" >&2
  for tool in apt-get dpkg; do
    command -v "$tool" >/dev/null || { echo "databases.sh: $tool is not here; install postgresql and mariadb-server by hand" >&2; exit 1; }
  done
  mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial" "$cache/deb" "$cache/root"
  apt update >&2
  local packages
  packages=$(apt install --simulate --no-install-recommends "$@" | sed -n 's/^Inst \([^ ]*\).*/\1/p')
  # shellcheck disable=SC2086 # one word for each package
  (cd "$cache/deb" && rm -f ./*.deb && apt download $packages >&2)
  for package in "$cache"/deb/*.deb; do dpkg -x "$package" "$cache/root"; done
}

# Suites that begin side by side fetch once.
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
[ -n "$(postgresql)" ] || fetch postgresql
[ -n "$(mariadb)" ] || fetch mariadb-server-core mariadb-client-core
[ -n "$(pgbouncer)" ] || fetch pgbouncer
[ -n "$(postgresql)" ] || { echo 'databases.sh: no PostgreSQL was found or could be fetched' >&2; exit 1; }
[ -n "$(mariadb)" ] || { echo 'databases.sh: no MariaDB was found or could be fetched' >&2; exit 1; }
[ -n "$(pgbouncer)" ] || { echo 'databases.sh: no PgBouncer was found or could be fetched' >&2; exit 1; }
echo "postgresql=$(postgresql)"
echo "mariadb=$(mariadb)"
echo "pgbouncer=$(pgbouncer)"
