import { execFile } from 'node:child_process';
import type { Writable } from 'node:stream';
import { promisify } from 'node:util';

/**
 * `$1` is the root, `$2` the package, `$3` what to run in it. All is written into memory, in a mount namespace that ends
 * with it. Nothing may be started while packages are installed (policy-rc.d), as in any root that is no machine.
 */
const INSTALL = `
set -e
umask 022
own=$(mktemp -d)
mount -t tmpfs tmpfs "$own"
mkdir "$own/upper" "$own/work" "$own/root"
mount -t overlay overlay -o "lowerdir=$1,upperdir=$own/upper,workdir=$own/work" "$own/root"
root=$own/root
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mkdir -p "$root/tmp"
cp "$2" "$root/tmp/unpackd.deb"
chroot "$root" dpkg --install /tmp/unpackd.deb >&2
status=0
chroot "$root" sh -ec "$3" || status=$?
umount --recursive "$own"
rmdir "$own"
exit $status
`;

/**
 * What the shell script `script` prints in the Debian root `root`, in which the package `deb` is installed for it. The root
 * itself stays as it is.
 *
 * @param meanwhile what to do while it runs, with its standard input
 */
export async function inInstalledRoot(
  root: string,
  deb: string,
  script: string,
  meanwhile?: (stdin: Writable) => Promise<void>,
): Promise<string> {
  const running = promisify(execFile)(
    'unshare',
    ['--mount', '--pid', '--fork', '--kill-child', 'bash', '-c', INSTALL, 'bash', root, deb, script],
    { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }, timeout: 600_000 },
  );
  const { stdin } = running.child;
  // Where it ended early, its own error says why.
  if (stdin !== null && meanwhile !== undefined) await Promise.race([meanwhile(stdin), running]);
  stdin?.end();
  return (await running).stdout;
}
