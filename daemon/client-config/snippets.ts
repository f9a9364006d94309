/** A repository as clients see it. */
export interface ClientView {
  readonly repository: string;
  /** Its root: absolute. */
  readonly path: string;
  /** The podman store in it: absolute. */
  readonly store: string;
  /** The public name of an image in it: one that is published, where that is known. */
  readonly image: string;
}

/** A configuration of a program that starts containers from a repository. */
export interface Snippet {
  /** Its place, for people. */
  readonly place: string;
  readonly text: string;
}

/** Supported programs. */
export const CLIENT_KINDS = ['podman', 'podman-rootless', 'containerd', 'apptainer'] as const;

export type ClientKind = (typeof CLIENT_KINDS)[number];

/** The configuration a client needs to use the repository, by kind. */
export const SNIPPETS: Readonly<Record<ClientKind, (view: ClientView) => readonly Snippet[]>> = {
  podman: rootPodman,
  'podman-rootless': rootlessPodman,
  containerd,
  apptainer,
};

/**
 * Podman up to 5.4 demands both directories in root's file; these are its defaults. Newer ones take them for users too,
 * unless they stand in the folder for root alone.
 *
 * @see containers-storage.conf(5), "FILES"
 */
function rootPodman({ store }: ClientView): Snippet[] {
  const text = `# Where there is such a file already, add only the store to its [storage.options].
# Podman 5.8 would take it for all users, who cannot write to this graphroot: there it belongs into
# /etc/containers/storage.rootful.conf.d/unpackd.conf
[storage]
driver = "overlay"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"

[storage.options]
additionalimagestores = [${quoted(store)}]
`;
  return [{ place: '/etc/containers/storage.conf, for root', text }];
}

/** Native overlay starts few images without root: podman may not write to directories of other owners. */
function rootlessPodman({ store }: ClientView): Snippet[] {
  const text = `# Where there is such a file already, add the store to its [storage.options], and the last two lines.
# With podman 5.8, /etc/containers/storage.rootless.conf.d/unpackd.conf does it for all users but root.
[storage]
driver = "overlay"

[storage.options]
additionalimagestores = [${quoted(store)}]

# It must be installed: podman fails without.
[storage.options.overlay]
mount_program = "/usr/bin/fuse-overlayfs"
`;
  return [{ place: '~/.config/containers/storage.conf, for a user', text }];
}

/** @see cvmfs/cvmfs, snapshotter/cvmfs/cvmfs.go, `Config`; containerd, docs/PLUGINS.md, "Proxy Plugins" */
function containerd({ repository, path }: ClientView): Snippet[] {
  const snapshotter = `repository = ${quoted(repository)}
absolute-mountpoint = ${quoted(path)}
`;
  const daemon = `# With version = 3, of containerd 2, the last table is [plugins."io.containerd.cri.v1.images"].
version = 2

[proxy_plugins.cvmfs-snapshotter]
type = "snapshot"
address = "/run/containerd-cvmfs-grpc/containerd-cvmfs-grpc.sock"

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "cvmfs-snapshotter"
disable_snapshot_annotations = false
`;
  return [
    { place: '/etc/containerd-cvmfs-grpc/config.toml, for the CernVM-FS snapshotter', text: snapshotter },
    { place: '/etc/containerd/config.toml, for containerd, which needs its annotations', text: daemon },
    {
      place: '/etc/systemd/system/cvmfs-snapshotter.service.d/unpackd.conf, for systemd',
      text: snapshotterUnit(path),
    },
  ];
}

/**
 * A drop-in that keeps the snapshotter (2.12) from removing all snapshots, as it does on SIGTERM and if a layer is missing
 * when it starts. It unmounts whatever is still mounted with MNT_FORCE, which aborts the FUSE connection.
 *
 * @see containerd/stargz-snapshotter 0.12, snapshot/snapshot.go, `Close` and `restoreRemoteSnapshot`; cvmfs/cvmfs,
 *   snapshotter/main.go; systemd.kill(5), "KillSignal="
 */
function snapshotterUnit(path: string): string {
  return `# The snapshotter, ended by SIGTERM or started without the repository, would delete what containers have written.
# What it leaves mounted must be gone before it starts again: it would end the client of CernVM-FS.
[Unit]
StartLimitIntervalSec=0

[Service]
ExecStartPre=/usr/bin/test -d ${unitWord(`${path}/.layers`)}
ExecStopPost=-/bin/sh -c "umount --quiet /var/lib/containerd-cvmfs-grpc/snapshotter/snapshots/*/fs"
KillSignal=SIGKILL
SuccessExitStatus=SIGKILL
`;
}

function apptainer({ path, image }: ClientView): Snippet[] {
  const text = `apptainer exec ${path}/${image} cat /etc/os-release
`;
  return [{ place: 'no configuration is needed; a command line', text }];
}

/**
 * One word of a command of systemd, whose escapes are those of C, as JSON's.
 *
 * @see systemd.service(5), "COMMAND LINES"
 */
function unitWord(text: string): string {
  return quoted(text).replaceAll(/[%$]/g, '$&$&');
}

/** A basic string of TOML, whose escapes are among JSON's. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
