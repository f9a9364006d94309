#!/usr/bin/env bash
# Puts all that a package of unpackd installs below the empty folder $1, as it is on a machine. Needs the packages of the project
# and of this folder (npm run package installs them); native programs are those that the tests ran with. Nothing is downloaded.
# The same commit gives the same bytes.
set -euo pipefail
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
root=$(realpath "$1")
documents=$root/usr/share/doc/unpackd

main() {
  cd "$project"
  programs
  services
  configuration
  documentation
  manual
  normalize
}

programs() {
  install -d "$root/usr/lib/unpackd" "$root/usr/bin"
  node systemd/package/bundle.mjs "$root/usr/lib/unpackd"
  ln -s ../lib/unpackd/bin/unpackd "$root/usr/bin/unpackd"
}

services() {
  install -Dt "$root/usr/lib/systemd/system" systemd/unpackd.service systemd/unpackd@.service
  install -D systemd/unpackd.sysusers "$root/usr/lib/sysusers.d/unpackd.conf"
}

configuration() {
  install -D examples/unpackd.yaml "$root/etc/unpackd/unpackd.yaml"
}

documentation() {
  install -Dt "$documents" README.md ARCHITECTURE.md CHANGELOG.md SECURITY.md
  install -Dt "$documents/docs" docs/*.*
  install -Dt "$documents/examples" examples/unpackd.yaml systemd/directory-backend.conf
  cat LICENSE "$root/usr/lib/unpackd/LICENSES" >"$documents/copyright"
  rm "$root/usr/lib/unpackd/LICENSES"
}

manual() {
  "$root/usr/lib/unpackd/bin/node" systemd/package/manual.mjs "$root/usr/share"
}

# Neither the umask nor the time of the build shows.
normalize() {
  find "$root" -type d -exec chmod 755 {} +
  find "$root" -type f -exec chmod 644 {} +
  chmod 755 "$root"/usr/lib/unpackd/bin/*
  find "$root" -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH:-$(commit_time)}" {} +
}

commit_time() {
  git log -1 --format=%ct 2>/dev/null || stat --format=%Y package.json
}

main
