import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newerDebian, type Need } from '../programs.ts';
import { temporaryDirectory } from '../setup.ts';
import { Session } from './session.ts';

/** A podman of this machine, or of a Debian root beside it. */
export interface PodmanKind {
  readonly title: string;
  /** `newer` is in the root that {@link newerDebian} finds. */
  readonly version: 'installed' | 'newer';
  readonly driver: 'kernel' | 'fuse';
}

export const PODMANS: readonly PodmanKind[] = [
  { title: 'podman of this machine, kernel overlay', version: 'installed', driver: 'kernel' },
  { title: 'podman of this machine, fuse-overlayfs', version: 'installed', driver: 'fuse' },
  { title: 'podman of a newer Debian, kernel overlay', version: 'newer', driver: 'kernel' },
];

export interface PodmanOutcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * What makes podman run where there is no systemd: namespaces of its own for mounts and processes, and in them a pure
 * cgroup hierarchy, since crun refuses the older ones. `$1` is the root (empty for this machine), `$2` the repository, which
 * is shown read-only at `$3` in an empty `/mnt`, `$4` a folder for podman's own files.
 */
const ENTER = `
set -e
root=$1 repository=$2 client=$3 own=$4
shift 4
if [ -n "$root" ]; then
  mount --bind "$root" "$root"
  mount -t sysfs sysfs "$root/sys"
  mount --rbind /dev "$root/dev"
  mkdir -p "$root/tmp"
  mount -t tmpfs tmpfs "$root/tmp"
  mkdir -p "$root$own"
  mount --bind "$own" "$root$own"
fi
mount -t proc proc "$root/proc"
mount -t cgroup2 none "$root/sys/fs/cgroup"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/mnt"
mkdir "$root$client"
mount --bind "$repository" "$root$client"
mount -o remount,bind,ro "$root$client"
export CONTAINERS_STORAGE_CONF="$own/storage.conf"
# Podman 4 starts nothing where the file that this means is not there.
unset DOCKER_CONFIG
# In a chroot, \`podman exec\` would find what is outside of it.
if [ -n "$root" ]; then
  cd "$root"
  pivot_root . .
  umount -l .
  exec chroot . "$@"
fi
exec "$@"
`;

/** A published repository, as clients see it. */
export interface ShownRepository {
  /** Where it is. */
  readonly published: string;
  /** Where clients see it: a folder in `/mnt`. */
  readonly client: string;
  /** Image stores in it that podman reads, relative to it. */
  readonly stores: readonly string[];
}

/**
 * Options without which no container starts here. Containers write to our own pipes: what podman hands on from one that
 * ends at once is lost now and then.
 */
export const RUN = [
  '--log-driver=passthrough',
  '--network=none',
  '--cgroups=disabled',
  '--ulimit=nofile=1024:1024',
  '--ulimit=nproc=4096:4096',
  '--pull=never',
];

/** What tests with {@link Podman} need. */
export function neededFor({ version, driver }: PodmanKind): Need[] {
  const podman = version === 'newer' ? 'newer-debian:podman' : 'podman';
  return ['root', 'mounts', podman, 'busybox', ...(driver === 'fuse' ? ['fuse-overlayfs'] : [])];
}

/** A podman with a storage of its own, which is empty at first, and the store of a repository beside it. */
export class Podman {
  readonly #root: string;
  readonly #repository: ShownRepository;
  /** For its own files; it is in its mount namespace too. */
  readonly folder: string;

  private constructor(root: string, repository: ShownRepository, folder: string) {
    this.#root = root;
    this.#repository = repository;
    this.folder = folder;
  }

  /** @param repository what it sees, and the image stores of that which it reads */
  static async open({ version, driver }: PodmanKind, repository: ShownRepository): Promise<Podman> {
    const folder = await temporaryDirectory('podman');
    const { client, stores } = repository;
    const lists = stores.map((store) => `"${client}/${store}"`).join(', ');
    const program = driver === 'fuse' ? 'mount_program = "/usr/bin/fuse-overlayfs"' : '';
    const configuration = `[storage]
driver = "overlay"
graphroot = "${folder}/graph"
runroot = "${folder}/run"
[storage.options]
additionalimagestores = [${lists}]
[storage.options.overlay]
${program}
`;
    writeFileSync(join(folder, 'storage.conf'), configuration);
    return new Podman(version === 'newer' ? newerDebian() : '', repository, folder);
  }

  async podman(...words: string[]): Promise<PodmanOutcome> {
    return await this.enter(['podman', ...words]);
  }

  /** As {@link podman}, where anything but success is a failure of the test. */
  async output(...words: string[]): Promise<string> {
    return succeeded(await this.podman(...words), words);
  }

  /** What `command` prints in a container of `image`, which nobody has to pull. */
  async inContainer(image: string, ...command: string[]): Promise<string> {
    return await this.output('run', '--rm', ...RUN, image, ...command);
  }

  /** The root file system of a new container of `image`, as a folder. */
  async rootOf(image: string): Promise<string> {
    const folder = await temporaryDirectory('podman-root');
    const archive = join(this.folder, 'root.tar');
    const script = `set -e
      container=$(podman create --pull=never --network=none "$1" /nothing)
      tar --create --file "$2" --directory "$(podman mount "$container")" .
      podman rm --force "$container" >/dev/null`;
    const words = ['sh', '-c', script, 'sh', image, archive];
    succeeded(await this.enter(words), words);
    await execute('tar', ['--extract', '--same-permissions', '--file', archive, '--directory', folder]);
    return folder;
  }

  /** Runs any command where it runs. */
  async enter(command: readonly string[]): Promise<PodmanOutcome> {
    const [program, ...words] = this.#entrance();
    return await execute(program, [...words, ...command]);
  }

  /** A shell where it runs, whose containers go on until it is closed. */
  session(): Session {
    return new Session(this.#entrance());
  }

  #entrance(): readonly [string, ...string[]] {
    const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'];
    const { published, client } = this.#repository;
    const script = ['sh', '-c', ENTER, 'sh', this.#root, published, client, this.folder];
    return ['unshare', ...namespaces, ...script];
  }
}

function succeeded({ status, stdout, stderr }: PodmanOutcome, words: readonly string[]): string {
  if (status !== 0) throw new Error(`${words.join(' ')} failed (${status}): ${stderr}`);
  return stdout;
}

async function execute(program: string, words: readonly string[]): Promise<PodmanOutcome> {
  return await new Promise((resolve, reject) => {
    execFile(program, words, { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ status: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}
