/** A repository as clients see it. */
export interface ClientView {
  readonly repository: string;
  /** Its root: absolute. */
  readonly path: string;
  /** The podman store in it: absolute. */
  readonly store: string;
}

/** A configuration of a program that starts containers from a repository. */
export interface Snippet {
  /** Where it belongs, for people. */
  readonly place: string;
  readonly text: string;
}

/** The programs that there are snippets for. */
export const CLIENT_KINDS = ['podman', 'podman-rootless', 'containerd', 'apptainer'] as const;

export type ClientKind = (typeof CLIENT_KINDS)[number];

/** What a client of that kind needs to use the repository. */
export const SNIPPETS: Readonly<Record<ClientKind, (view: ClientView) => readonly Snippet[]>> = {
  podman: rootPodman,
  'podman-rootless': rootlessPodman,
  containerd,
  apptainer,
};

/** Podman 4 demands both directories in a file of its own; these are its defaults. */
function rootPodman({ store }: ClientView): Snippet[] {
  const text = `[storage]
driver = "overlay"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"

[storage.options]
additionalimagestores = [${quoted(store)}]
`;
  return [{ place: '/etc/containers/storage.conf, for root', text }];
}

/** Native overlay cannot start these images without root: podman may not write to directories of other owners. */
function rootlessPodman({ store }: ClientView): Snippet[] {
  const text = `[storage]
driver = "overlay"

[storage.options]
additionalimagestores = [${quoted(store)}]

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
  const daemon = `version = 2

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
  ];
}

function apptainer({ path }: ClientView): Snippet[] {
  const text = `apptainer exec ${path}/REGISTRY/REPOSITORY:TAG COMMAND
`;
  return [{ place: 'no configuration is needed; a command line', text }];
}

/** A basic string of TOML, whose escapes are among JSON's. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
