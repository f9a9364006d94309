#!/usr/bin/env bash
# Builds build/unpackd_VERSION_ARCHITECTURE.deb, or into the folder $1, and prints its path. It brings its own Node, which runs with
# glibc 2.28 and later. PACKAGE_COMPRESSION is dpkg-deb's, xz unless it is given.
set -euo pipefail
package=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(dirname "$(dirname "$package")")
cd "$project"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat --format=%Y package.json)}
export SOURCE_DATE_EPOCH

output=${1:-build}
version=$(node --print 'require("./package.json").version')
architecture=$(dpkg --print-architecture)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

main() {
  chmod 755 "$root"
  "$package/stage.sh" "$root"
  control
  mkdir -p "$output"
  dpkg-deb --root-owner-group --build "-Z${PACKAGE_COMPRESSION:-xz}" "$root" "$output/unpackd_${version}_$architecture.deb" >/dev/null
  echo "$output/unpackd_${version}_$architecture.deb"
}

control() {
  local size
  size=$(installed_kib)
  install -d "$root/DEBIAN"
  install -m 755 -t "$root/DEBIAN" "$package"/debian/{postinst,prerm,postrm}
  echo /etc/unpackd/unpackd.yaml >"$root/DEBIAN/conffiles"
  cat >"$root/DEBIAN/control" <<CONTROL
Package: unpackd
Version: $version
Architecture: $architecture
Maintainer: unpackd maintainers <root@localhost>
Installed-Size: $size
Depends: libc6 (>= 2.28), libstdc++6 (>= 8), systemd | systemd-standalone-sysusers
Recommends: ca-certificates, git, openssh-client
Suggests: cvmfs-server
Section: net
Priority: optional
Description: publishes container images into CernVM-FS repositories
 A wishlist says which images are wanted. unpackd fetches the layers that a
 repository lacks, checks every digest, and publishes layers, chains and flat
 root file systems, from which container runtimes start images without pulling.
 .
 The service is neither enabled nor started: see
 /usr/share/doc/unpackd/docs/operators.md.
CONTROL
}

# As in deb-substvars(5), "Installed-Size". What a folder takes itself differs from build to build, and does not count.
installed_kib() {
  find "$root" -type f -printf '%s\n' -o -printf '1\n' |
    awk '{ kib += int(($1 + 1023) / 1024) } END { print kib }'
}

main
