import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { COMMANDS } from '../../../../daemon/cli/commands.ts';
import { runUnpackd } from '../../../../daemon/cli/run.ts';
import { needs } from '../../../support/programs.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { capture } from '../capture.ts';

const REPOSITORY = 'unpacked.example.org';
const STORE = `/cvmfs/${REPOSITORY}/podmanStore`;

/** Where systemd has what is said of the snapshotter's unit. */
const UNIT_FILE = '/etc/systemd/system/cvmfs-snapshotter.service.d/unpackd.conf';

/** Mounts below an empty `/var/lib`, as the snapshotter leaves them; `$1` is run, and what is still mounted there is printed. */
const LEAVE_MOUNTS = `
mount -t tmpfs tmpfs /var/lib
for name in 1 2 3; do mkdir -p "/var/lib/containerd-cvmfs-grpc/snapshotter/snapshots/$name/fs"; done
mkdir /var/lib/elsewhere
for folder in containerd-cvmfs-grpc/snapshotter/snapshots/1/fs containerd-cvmfs-grpc/snapshotter/snapshots/3/fs elsewhere; do
  mount --bind /usr "/var/lib/$folder"
done
sh -c "$1" || true
awk '$2 ~ "^/var/lib/" { print $2 }' /proc/self/mounts
`;

describe('daemon/cli/commands/client-config', () => {
  /** With the stores of two platforms; clients see it below /cvmfs. */
  let there: string[];
  before(async () => {
    const root = await temporaryDirectory('client-config');
    for (const store of ['podmanStore', '.multiarch/arm-v7/podmanStore'])
      mkdirSync(join(root, REPOSITORY, store), { recursive: true });
    there = ['--root', root, '--client-root', '/cvmfs'];
  });

  it('has the store of a repository for podman, as clients see it', async () => {
    const { status, stdout, stderr } = await run('podman', REPOSITORY, ...there);
    assert.deepEqual([status, stderr], [0, '']);
    assert.ok(stdout.startsWith('# /etc/containers/storage.conf'));
    assert.ok(stdout.includes(`\nadditionalimagestores = ["${STORE}"]\n`), stdout);
    // Podman 4 as root demands them.
    assert.match(stdout, /^runroot = .*\ngraphroot = /m);
  });

  it('has fuse-overlayfs for users, and no directories of root', async () => {
    const { stdout } = await run('podman-rootless', REPOSITORY, ...there);
    assert.ok(stdout.includes(`["${STORE}"]`), stdout);
    assert.match(stdout, /^mount_program = "\/usr\/bin\/fuse-overlayfs"$/m);
    assert.doesNotMatch(stdout, /runroot|graphroot/);
  });

  it('has the store of another platform', async () => {
    const { stdout } = await run('podman', REPOSITORY, ...there, '--platforms', 'linux/arm/v7');
    assert.ok(stdout.includes(`["/cvmfs/${REPOSITORY}/.multiarch/arm-v7/podmanStore"]`), stdout);
  });

  it('has the configuration of the snapshotter and of containerd, and a command line for Apptainer', async () => {
    const containerd = await run('containerd', REPOSITORY, ...there);
    assert.match(containerd.stdout, /^repository = "unpacked\.example\.org"$/m);
    assert.match(containerd.stdout, /^absolute-mountpoint = "\/cvmfs\/unpacked\.example\.org"$/m);
    assert.match(containerd.stdout, /^\[proxy_plugins\.cvmfs-snapshotter\]$/m);
    assert.ok(
      containerd.stdout.includes(`\nExecStartPre=/usr/bin/test -d "/cvmfs/${REPOSITORY}/.layers"\n`),
      containerd.stdout,
    );
    const apptainer = await run('apptainer', REPOSITORY, ...there);
    assert.match(apptainer.stdout, /^apptainer exec \/cvmfs\/unpacked\.example\.org\/REGISTRY/m);
  });

  it('has containerd pull with the snapshotter, which is told the names of layers', async function () {
    needs(this, 'containerd');
    const file = join(await temporaryDirectory('containerd'), 'config.toml');
    writeFileSync(file, await printedFile(there, '/etc/containerd/config.toml'));
    const { status, stdout, stderr } = spawnSync('containerd', ['--config', file, 'config', 'dump'], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    const settings = new Set(stdout.split('\n').map((line) => line.trim()));
    for (const line of [
      'snapshotter = "cvmfs-snapshotter"',
      'disable_snapshot_annotations = false',
      '[proxy_plugins.cvmfs-snapshotter]',
    ]) {
      assert.ok(settings.has(line), stdout);
    }
  });

  it("has a drop-in for the snapshotter's unit that systemd takes, whatever the path", async function () {
    needs(this, 'systemd-analyze');
    const folder = await temporaryDirectory('units');
    const unit = join(folder, 'cvmfs-snapshotter.service');
    writeFileSync(unit, '[Unit]\nDescription=x\n[Service]\nExecStart=/bin/sh\nRestart=always\n');
    mkdirSync(`${unit}.d`);
    const client = ['--client-root', '/of "lab"/50%Q $HOME'];
    const text = await printedFile([...there.slice(0, 2), ...client], UNIT_FILE);
    assert.ok(text.includes(String.raw`"/of \"lab\"/50%%Q $$HOME/${REPOSITORY}/.layers"`), text);
    writeFileSync(join(`${unit}.d`, 'unpackd.conf'), text);
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
    assert.deepEqual([status, stdout + stderr], [0, '']);
  });

  it('has that unit unmount what the snapshotter leaves, and nothing else', async function () {
    needs(this, 'root', 'mounts');
    const text = await printedFile(there, UNIT_FILE);
    const command = /^ExecStopPost=-\/bin\/sh -c "(.*)"$/m.exec(text)?.[1] ?? '';
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', '--propagation', 'private', 'sh', '-ec', LEAVE_MOUNTS, 'sh', command],
      { encoding: 'utf8' },
    );
    assert.deepEqual([status, stdout, stderr], [0, '/var/lib/elsewhere\n', '']);
  });

  it('prints one document for programs', async () => {
    const { stdout } = await run('podman', REPOSITORY, ...there, '--json');
    const document = JSON.parse(stdout) as { kind: string; files: { lines: string[] }[] };
    assert.equal(document.kind, 'podman');
    const text = await run('podman', REPOSITORY, ...there);
    // its first line says where it belongs
    assert.deepEqual(document.files[0]?.lines, text.stdout.trimEnd().split('\n').slice(1));
  });

  it('names an image that is published, for the platform, where that can be seen', async () => {
    const root = await temporaryDirectory('client-config');
    const names = [
      'b.example.org/tool:1',
      'a.example.org/lab/tool:2',
      '.multiarch/arm64/c.example.org/tool:1',
    ];
    for (const name of names) {
      const path = join(root, REPOSITORY, name);
      mkdirSync(dirname(path), { recursive: true });
      symlinkSync('elsewhere', path);
    }
    mkdirSync(join(root, REPOSITORY, 'a.example.org/empty'));
    for (const [platform, name] of [
      ['linux/amd64', 'a.example.org/lab/tool:2'],
      ['linux/arm64', '.multiarch/arm64/c.example.org/tool:1'],
      ['linux/s390x', '.multiarch/s390x/REGISTRY/REPOSITORY:TAG'],
    ] as const) {
      const words = ['apptainer', REPOSITORY, '--root', root, '--client-root', '/cvmfs'];
      const { stdout } = await run(...words, '--platforms', platform);
      assert.ok(stdout.includes(`\napptainer exec /cvmfs/${REPOSITORY}/${name} `), stdout);
    }
  });

  it('refuses a repository that is not there, and a store that is not', async () => {
    const unknown = await run('containerd', 'nosuch.example.org', ...there);
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /^error\[argument-unknown\] .*nosuch\.example\.org/);
    const other = await run('podman', REPOSITORY, ...there, '--platforms', 'linux/s390x');
    assert.deepEqual([other.status, other.stdout], [2, '']);
    assert.match(other.stderr, /^error\[argument-unknown\] .*s390x\/podmanStore/);
    assert.equal((await run('apptainer', REPOSITORY, ...there, '--platforms', 'linux/s390x')).status, 0);
  });

  const WRONG: readonly (readonly [words: readonly string[], reason: RegExp])[] = [
    [['podmann', REPOSITORY], /"podmann"; did you mean podman\?/],
    [['docker', REPOSITORY], /"docker"; there is podman, podman-rootless, containerd, apptainer/],
    [['podman', '../x'], /"\.\.\/x" is not a valid repository name/],
    [
      ['podman', REPOSITORY, '--platforms', 'linux/amd64,linux/arm64'],
      /a client is of one platform, and 2 are named/,
    ],
  ];
  for (const [words, reason] of WRONG) {
    it(`refuses ${words.join(' ')}`, async () => {
      const { status, stdout, stderr } = await run(...words);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, reason);
    });
  }
});

/** The text for the file at `place` that containerd needs, which `--json` has beside its place. */
async function printedFile(options: readonly string[], place: string): Promise<string> {
  const { stdout } = await run('containerd', REPOSITORY, ...options, '--json');
  const { files } = JSON.parse(stdout) as { files: { place: string; lines: string[] }[] };
  const found = files.find((file) => file.place.startsWith(`${place},`));
  return `${found?.lines.join('\n')}\n`;
}

async function run(...words: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [capture(), capture()];
  const machine = { home: '/h', superuser: false, workingDirectory: '/', configurationFile: '/nonexistent' };
  const status = await runUnpackd(['client-config', ...words], COMMANDS, {
    version: '1.0',
    environment: {},
    stdout,
    stderr,
    signal: new AbortController().signal,
    machine,
  });
  return { status, stdout: stdout.text(), stderr: stderr.text() };
}
