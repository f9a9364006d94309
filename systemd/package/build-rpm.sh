#!/usr/bin/env bash
# Builds build/unpackd-VERSION-1.ARCHITECTURE.rpm, or into the folder $1, and prints its path. RPM_PAYLOAD is rpm's, xz unless it is
# given.
set -euo pipefail
package=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$package/../.."
output=${1:-build}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

rpmbuild -bb --quiet --define "checkout $PWD" --define "_topdir $folder" --define "_payload ${RPM_PAYLOAD:-w6.xzdio}" \
  systemd/package/unpackd.spec >&2
mkdir -p "$output"
for file in "$folder"/RPMS/*/*.rpm; do
  cp "$file" "$output"
  echo "$output/$(basename "$file")"
done
