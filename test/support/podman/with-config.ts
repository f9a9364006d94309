import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Podman, PodmanOutcome } from './podman.ts';

/** Who uses podman: each has a place for the configuration. */
export type PodmanUser = 'root' | 'rootless';

/**
 * Puts `$1/configuration` where podman looks for it, with an empty storage in podman's usual place, and runs the rest of
 * the words as the user `$2`: one with subordinate identifiers, whom only this mount namespace knows.
 */
const PLACE = `
set -e
own=$1 user=$2
shift 2
unset CONTAINERS_STORAGE_CONF
mkdir -p "$own/home" "$own/storage" "$own/etc" /mnt/home /var/lib/containers
if [ "$user" = root ]; then
  mount --bind "$own/storage" /var/lib/containers
  cp -a /etc/containers/. "$own/etc"
  cp "$own/configuration" "$own/etc/storage.conf"
  mount --bind "$own/etc" /etc/containers
  exec "$@"
fi
mount --bind "$own/home" /mnt/home
mkdir -p /mnt/home/.config/containers
cp "$own/configuration" /mnt/home/.config/containers/storage.conf
{ cat /etc/passwd; echo 'somebody:x:7000:7000::/mnt/home:/bin/sh'; } >"$own/passwd"
echo 'somebody:200000:65536' >"$own/subordinates"
mount --bind "$own/passwd" /etc/passwd
mount --bind "$own/subordinates" /etc/subuid
mount --bind "$own/subordinates" /etc/subgid
mknod -m 666 /mnt/fuse c 10 229
mount --bind /mnt/fuse /dev/fuse
mkdir -p /run/user/7000
chown 7000:7000 /run/user/7000 /mnt/home /mnt/home/.config /mnt/home/.config/containers
mount --make-rshared /
cd /mnt/home
exec setpriv --reuid=7000 --regid=7000 --clear-groups env HOME=/mnt/home XDG_RUNTIME_DIR=/run/user/7000 "$@"
`;

/** Runs podman as `user`, whose only `storage.conf` is `configuration`, in its usual place. */
export async function podmanWithConfiguration(
  podman: Podman,
  { user, configuration }: { readonly user: PodmanUser; readonly configuration: string },
  ...words: string[]
): Promise<PodmanOutcome> {
  const own = join(podman.folder, user);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'configuration'), configuration);
  return await podman.enter(['sh', '-c', PLACE, 'sh', own, user, 'podman', ...words]);
}
