#!/usr/bin/env bash
# Puts all that a package of unpackd installs below the empty folder $1, as it is on a machine. Needs the project's
# node_modules: programs of packages that were compiled there are those that the tests ran with. Nothing is downloaded.
# The same commit gives the same bytes.
set -euo pipefail
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
root=$(realpath "$1")
home=$root/usr/lib/unpackd
documents=$root/usr/share/doc/unpackd

main() {
  cd "$project"
  programs
  packages
  services
  configuration
  documentation
  normalize
}

# Compiled anew: dist may hold files whose sources are gone.
programs() {
  install -d "$home" "$root/usr/bin"
  node_modules/.bin/tsc --outDir "$home/dist" --incremental false --tsBuildInfoFile null --sourceMap false
  rm -r "$home/dist/test" "$home/dist/examples"
  cp package.json package-lock.json "$home"
  # The Node of the package that is depended on, whatever else is in somebody's path.
  sed -i '1s|.*|#!/usr/bin/node|' "$home/dist/daemon/cli/main.js"
  chmod 755 "$home/dist/daemon/cli/main.js"
  ln -s ../lib/unpackd/dist/daemon/cli/main.js "$root/usr/bin/unpackd"
}

packages() {
  cp -a node_modules "$home"
  npm prune --prefix "$home" --omit=dev --ignore-scripts --offline --no-audit --no-fund --loglevel=error
  rm "$home/package-lock.json" "$home/node_modules/.package-lock.json"
  # Of what was compiled only the result is needed; what it was made of holds names of the machine that made it.
  local sqlite3=$home/node_modules/sqlite3
  mv "$sqlite3/build/Release/node_sqlite3.node" "$sqlite3/node_sqlite3.node"
  rm -r "$sqlite3/build" "$sqlite3/deps" "$sqlite3/src"
  install -d "$sqlite3/build/Release"
  mv "$sqlite3/node_sqlite3.node" "$sqlite3/build/Release"
  find "$home/node_modules" -depth -type d -empty -delete
}

services() {
  install -Dt "$root/usr/lib/systemd/system" systemd/unpackd.service systemd/unpackd@.service
  install -D systemd/unpackd.sysusers "$root/usr/lib/sysusers.d/unpackd.conf"
  install -D systemd/unpackd.tmpfiles "$root/usr/lib/tmpfiles.d/unpackd.conf"
}

configuration() {
  install -D examples/unpackd.yaml "$root/etc/unpackd/unpackd.yaml"
}

documentation() {
  install -Dt "$documents" README.md ARCHITECTURE.md
  install -Dt "$documents/docs" docs/*
  install -Dt "$documents/examples" examples/unpackd.yaml systemd/directory-backend.conf
  install -D LICENSE "$documents/copyright"
}

# Neither the umask nor the time of the build shows.
normalize() {
  find "$root" -type d -exec chmod 755 {} +
  find "$root" -type f -perm /111 -exec chmod 755 {} +
  find "$root" -type f ! -perm /111 -exec chmod 644 {} +
  find "$root/etc" "$root/usr/share" "$root/usr/lib/systemd" "$root/usr/lib/sysusers.d" "$root/usr/lib/tmpfiles.d" \
    -type f -exec chmod 644 {} +
  find "$root" -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH:-$(commit_time)}" {} +
}

commit_time() {
  git log -1 --format=%ct 2>/dev/null || stat --format=%Y package.json
}

main
