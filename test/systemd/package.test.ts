import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT, textOf } from '../docs/project.ts';
import { DatagramReceiver } from '../support/datagrams.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { image } from '../support/images/image.ts';
import { file } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { inInstalledRoot } from '../support/installed-root.ts';
import { describeWith, needs, packageRoots } from '../support/programs.ts';
import { temporaryDirectory } from '../support/setup.ts';

const run = promisify(execFile);
const { version } = JSON.parse(textOf('package.json')) as { version: string };

describeWith(['dpkg-deb', 'packaged-node'], 'systemd/package', function () {
  let folder: string;
  let deb: string;

  before(async function () {
    folder = await temporaryDirectory('package');
    deb = await build(folder);
  });

  it('has the programs, what they need, the service and its documentation, and nothing else', async () => {
    const files = await filesOf(deb);
    const expected = [
      '/etc/unpackd/unpackd.yaml',
      '/usr/bin/unpackd',
      '/usr/lib/unpackd/package.json',
      '/usr/lib/unpackd/bin/node',
      '/usr/lib/unpackd/bin/unpackd',
      '/usr/lib/unpackd/dist/unpackd.js',
      '/usr/lib/unpackd/node_modules/koffi/package.json',
      '/usr/lib/unpackd/node_modules/sqlite3/build/Release/node_sqlite3.node',
      '/usr/lib/systemd/system/unpackd.service',
      '/usr/lib/systemd/system/unpackd@.service',
      '/usr/lib/sysusers.d/unpackd.conf',
      '/usr/share/bash-completion/completions/unpackd',
      '/usr/share/doc/unpackd/copyright',
      '/usr/share/doc/unpackd/docs/operators.md',
      '/usr/share/doc/unpackd/examples/directory-backend.conf',
      '/usr/share/fish/vendor_completions.d/unpackd.fish',
      '/usr/share/man/man1/unpackd.1.gz',
      '/usr/share/man/man5/unpackd.yaml.5.gz',
      '/usr/share/zsh/site-functions/_unpackd',
      '/usr/share/zsh/vendor-completions/_unpackd',
    ];
    assert.deepEqual(
      expected.filter((path) => !files.includes(path)),
      [],
    );
    const known =
      /^\/(?:etc\/unpackd\/unpackd\.yaml$|usr\/bin\/unpackd$|usr\/lib\/(?:systemd\/system|sysusers\.d)\/unpackd[^/]*$|usr\/lib\/unpackd\/(?:package\.json$|node_modules\/|bin\/(?:node|unpackd)$|dist\/[^/]+\.js$)|usr\/share\/(?:doc\/unpackd\/|man\/man[15]\/unpackd|(?:bash-completion\/completions|fish\/vendor_completions\.d|zsh\/(?:site-functions|vendor-completions))\/_?unpackd))/;
    const unneeded =
      /\/node_modules\/(?!@?(?:koffi|koromix|sqlite3|bindings|file-uri-to-path)\/)|\.test\.js$|\/tests?\//;
    assert.deepEqual(
      files.filter((path) => !known.test(path) || unneeded.test(path)),
      [],
    );
  });

  it('belongs to root, is writable for nobody else, and runs nobody else as root', async () => {
    const { stdout } = await run('dpkg-deb', ['--contents', deb], { maxBuffer: 16 * 1024 * 1024 });
    const lines = stdout.trim().split('\n');
    const normal = /^(?:[d-]rw[x-]r-[x-]r-[x-]|lrwxrwxrwx) root\/root /;
    assert.deepEqual(
      lines.filter((line) => !normal.test(line)),
      [],
    );
  });

  it('needs no Node, nor a C library that RHEL 8 lacks, and keeps what an operator changed', async () => {
    const { stdout } = await run('dpkg-deb', ['--field', deb, 'Version', 'Depends']);
    assert.match(stdout, new RegExp(`^Version: ${version.replaceAll('.', String.raw`\.`)}$`, 'm'));
    assert.match(stdout, /^Depends: libc6 \(>= 2\.28\), libstdc\+\+6 \(>= 8\), systemd \| systemd-/m);
    const { stdout: conffiles } = await run('dpkg-deb', ['--info', deb, 'conffiles']);
    assert.equal(conffiles, '/etc/unpackd/unpackd.yaml\n');

    const contents = await temporaryDirectory('package-contents');
    await run('dpkg-deb', ['--extract', deb, contents]);
    const { stdout: natives } = await run('find', [contents, '-name', '*.node', '-o', '-path', '*/bin/node']);
    const paths = natives.trim().split('\n');
    assert.deepEqual(paths.map((path) => basename(path)).toSorted(), [
      'koffi.node',
      'node',
      'node_sqlite3.node',
    ]);
    for (const path of paths) {
      const text = readFileSync(path, 'latin1');
      assert.ok(newest(text, /\bGLIBC_2\.(\d+)\b/g) <= 28, path);
      // Of GCC 8.
      assert.ok(newest(text, /\bGLIBCXX_3\.4\.(\d+)\b/g) <= 25, path);
    }
  });

  it('has the same bytes when it is built again', async () => {
    const again = await build(await temporaryDirectory('package-again'), '0077');
    assert.equal(digestOf(again), digestOf(deb));
  });

  it('has the same files as an RPM', async function () {
    needs(this, 'rpmbuild', 'rpm');
    const top = await temporaryDirectory('rpm');
    const { stdout: path } = await run(join(PROJECT, 'systemd/package/build-rpm.sh'), [top], FAST);
    const { stdout } = await run('rpm', ['--query', '--package', '--queryformat', FILES, path.trim()], {
      maxBuffer: 16 * 1024 * 1024,
    });
    const lines = stdout.trim().split('\n');
    const files = lines.flatMap((line) => (line.startsWith('d') ? [] : [line.slice(line.indexOf('/'))]));
    assert.deepEqual(files.toSorted(), (await filesOf(deb)).toSorted());
  });

  it('is an archive too, which runs where it is unpacked', async function () {
    needs(this, 'xz');
    const target = await temporaryDirectory('archive');
    const { stdout } = await run(join(PROJECT, 'systemd/package/build-tar.sh'), [target], FAST);
    await run('tar', ['--extract', '--file', stdout.trim(), '--directory', target]);
    const home = join(target, basename(stdout.trim(), '.tar.xz'));
    const { stdout: told } = await run(join(home, 'bin/unpackd'), ['version'], { cwd: '/' });
    assert.ok(told.includes(version), told);
    assert.ok(readFileSync(join(home, 'docs/operators.md')).length > 0);
    assert.match(readFileSync(join(home, 'LICENSES'), 'utf8'), /^undici 7\..*: MIT$/m);
  });

  for (const root of packageRoots()) installedIn(root, () => deb);
  if (packageRoots().length === 0) installedIn('', () => deb);
});

function installedIn(root: string, deb: () => string): void {
  describeWith(['root', 'mounts', 'package-roots'], `the package installed in ${basename(root)}`, () => {
    it('runs with the Node that it brings, with all that is compiled', async () => {
      const output = await inInstalledRoot(
        root,
        deb(),
        `! command -v node || exit 9
        unpackd version
        unpackd check-image-syntax docker.io/lab/tool:1 | head -n 1
        cd /usr/lib/unpackd
        bin/node -p 'process.version + " " + require("sqlite3").VERSION.split(".")[0] + " " + typeof require("koffi").load'`,
      );
      const lines = output.trim().split('\n');
      assert.match(lines[0] ?? '', new RegExp(String.raw`\b${version.replaceAll('.', String.raw`\.`)}\b`));
      assert.match(lines.at(-1) ?? '', /^v24\.\d+\.\d+ 3 function$/);
    });

    it('has a user and directories, and units that are sound and not enabled', async () => {
      const output = await inInstalledRoot(
        root,
        deb(),
        `getent passwd unpackd | cut -d: -f1,6,7
        stat --format='%U %a %n' /var/lib/unpackd /etc/unpackd/unpackd.yaml
        systemd-analyze verify unpackd.service unpackd@lab.service
        systemctl is-enabled unpackd.service unpackd@.service || true
        chown 12:34 /var/lib/unpackd
        chmod 750 /var/lib/unpackd
        dpkg --install /tmp/unpackd.deb >/dev/null
        stat --format='%u %g %a' /var/lib/unpackd`,
      );
      assert.deepEqual(output.trim().split('\n'), [
        'unpackd:/var/lib/unpackd:/usr/sbin/nologin',
        'unpackd 700 /var/lib/unpackd',
        'root 644 /etc/unpackd/unpackd.yaml',
        'disabled',
        'disabled',
        '12 34 750',
      ]);
    });

    it('has a daemon that the unit’s command starts as the user of the package, and that says how it is', async function () {
      needs(this, 'python3');
      const socket = `@unpackd-package-${randomUUID()}`;
      const receiver = await DatagramReceiver.on(socket);
      const registry = await TestRegistry.start();
      const published = `/var/lib/unpackd/root/lab.example.org/${registry.host}/lab/tool:1`;
      const wish = registry.add(
        'lab/tool',
        '1',
        image({ layers: [await layer([file('tool', 'a tool\n')])] }),
      );
      try {
        const command = /^ExecStart=(.+)$/m.exec(textOf('systemd/unpackd.service'))?.[1] ?? '';
        const output = await inInstalledRoot(
          root,
          deb(),
          `cd /etc/unpackd
          printf 'version: 1\\ncvmfs_repo: lab.example.org\\ninput:\\n  - ${wish}\\n' >recipe.yaml
          printf 'backend: directory\\nroot: /var/lib/unpackd/root\\nsources:\\n  - file: recipe.yaml\\n' >unpackd.yaml
          export NOTIFY_SOCKET=${socket} WATCHDOG_USEC=1000000 XDG_STATE_HOME=/var/lib
          setpriv --reuid=unpackd --regid=unpackd --init-groups ${command} 2>/tmp/log &
          read -r _
          for _ in $(seq 600); do
            [ -e ${published}/tool ] && break
            sleep 0.1
          done
          cat ${published}/tool
          kill -HUP $!
          read -r _
          kill -TERM $!
          status=0
          wait $! || status=$?
          echo "exit $status"
          stat --format='%U %n' /var/lib/unpackd/unpackd.db
          cat /tmp/log`,
          async (stdin) => {
            await receiver.matching(/^READY=1/m);
            await receiver.matching(/^WATCHDOG=1/m, 2);
            stdin.write('\n');
            await receiver.matching(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
            await receiver.matching(/^READY=1/m, 2);
            stdin.write('\n');
          },
        );
        assert.match(output, /^a tool\nexit 0\nunpackd \/var\/lib\/unpackd\/unpackd\.db\n/, output);
        await receiver.matching(/^STOPPING=1$/m);
      } finally {
        await receiver.close();
        await registry.close();
      }
    });

    it('leaves an operator’s configuration when it is removed, and nothing when it is purged', async () => {
      const output = await inInstalledRoot(
        root,
        deb(),
        `echo '# ours' >>/etc/unpackd/unpackd.yaml
        dpkg --install /tmp/unpackd.deb >/dev/null
        tail -n 1 /etc/unpackd/unpackd.yaml
        mkdir /var/lib/unpackd/spool
        systemctl enable --quiet unpackd.service
        dpkg --remove unpackd >/dev/null
        ls -d /etc/unpackd/* /var/lib/unpackd/*
        dpkg --purge unpackd >/dev/null
        find / -xdev -name '*unpackd*' ! -path '/tmp/*'`,
      );
      assert.deepEqual(output.trim().split('\n'), [
        '# ours',
        '/etc/unpackd/unpackd.yaml',
        '/var/lib/unpackd/spool',
      ]);
    });
  });
}

/** Not compressed: what takes most of the time of a build says nothing here. */
const FAST = {
  env: { ...process.env, PACKAGE_COMPRESSION: 'none', PACKAGE_LEVEL: '0', RPM_PAYLOAD: 'w0.gzdio' },
};

/** A line for each file of an RPM: its mode, and its path. */
const FILES = String.raw`[%{FILEMODES:perms} %{FILENAMES}\n]`;

/** @returns the path of the package */
async function build(folder: string, umask = '0022'): Promise<string> {
  const script = join(PROJECT, 'systemd/package/build-deb.sh');
  const { stdout } = await run('sh', ['-c', `umask ${umask} && exec "$@"`, 'sh', script, folder], FAST);
  return stdout.trim().split('\n').at(-1) ?? '';
}

/** The paths of all files and links in a Debian package. */
async function filesOf(deb: string): Promise<string[]> {
  const { stdout } = await run('dpkg-deb', ['--contents', deb], { maxBuffer: 16 * 1024 * 1024 });
  return stdout.split('\n').flatMap((line) => {
    const path = /^[-l].* \.(\/.*?)(?: -> .*)?$/.exec(line)?.[1];
    return path === undefined ? [] : [path];
  });
}

function newest(text: string, version: RegExp): number {
  return Math.max(0, ...Array.from(text.matchAll(version), ([, minor]) => Number(minor)));
}

function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
