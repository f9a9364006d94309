#!/usr/bin/env bash
# Builds build/unpackd-VERSION-linux-ARCHITECTURE.tar.xz, or into the folder $1, and prints its path: unpackd for systems without
# dpkg and rpm. It runs where it is unpacked, with glibc 2.28 and later.
set -euo pipefail
package=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$package/../.."
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat --format=%Y package.json)}

output=${1:-build}
name=$(node --print '`unpackd-${require("./package.json").version}-linux-${process.arch}`')
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

main() {
  mkdir -p "$folder/$name" "$output"
  node "$package/bundle.mjs" "$folder/$name"
  cp README.md ARCHITECTURE.md CHANGELOG.md SECURITY.md LICENSE "$folder/$name"
  cp -R docs examples "$folder/$name"
  mkdir "$folder/$name/systemd"
  cp systemd/*.service systemd/unpackd.sysusers systemd/directory-backend.conf "$folder/$name/systemd"
  tar --create --directory "$folder" --sort name --mtime "@$SOURCE_DATE_EPOCH" --owner root:0 --group root:0 \
    --mode u=rwX,go=rX --format gnu "$name" | xz -T0 "-${PACKAGE_LEVEL:-6}" >"$output/$name.tar.xz"
  echo "$output/$name.tar.xz"
}

main
