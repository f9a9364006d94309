import assert from 'node:assert/strict';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import { needs, needsRoot } from '../../../support/programs.ts';
import { makePair } from '../registries/certificate-pair.ts';
import { Scene } from './inspect.ts';

/** What `text` has, with `{}` for the scene's folder. */
type Case = readonly [what: string, text: string, ...findings: string[]];

const PATH = { PATH: process.env['PATH'] ?? '' };

describe('daemon/configuration/inspection/check', () => {
  let scene: Scene;

  beforeEach(async () => {
    scene = await Scene.make();
    await scene.write('plain', 'text\n');
    await scene.write('open', 'open-sesame\n');
    await chmod(scene.path('open'), 0o644);
  });

  it('says in one line what is in force', async () => {
    await scene.write('key', 'a key');
    const { status, stdout, stderr } = await scene.run(['config', 'check'], {
      text: 'root: r\nstate: s\nregistries: {quay.io: , docker.io: }\nsources: [{file: plain}]\n',
    });
    assert.equal(
      stdout,
      `${scene.config} is valid: repositories below ${scene.path('r')} (directory), state in ${scene.path('s')}, 1 source, 2 registries\n`,
    );
    assert.deepEqual([status, stderr], [0, '']);
  });

  it('finds nothing wrong where there is no file', async () => {
    const { status, stdout, stderr } = await scene.run(['config', 'check']);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^the configuration without a file is valid: .*, 0 sources, 0 registries\n$/);
  });

  it('checks the file that it is given, whatever is wrong with the usual one', async () => {
    const other = await scene.write('other.yaml', 'downloads: 5\n');
    const { status, stdout } = await scene.run(['config', 'check', 'other.yaml'], { text: 'rot: x\n' });
    assert.equal(status, 0);
    assert.ok(stdout.startsWith(`${other} is valid: `));
  });

  it('is wrong where the file that it is given does not exist', async () => {
    const { status, lines } = await scene.run(['config', 'check', 'none.yaml']);
    assert.equal(status, 2);
    assert.equal(lines.length, 1);
    assert.ok(lines[0]?.includes(scene.path('none.yaml')));
  });

  /** Errors of the file's form, and of what it names, with the beginning of each. */
  const errors: readonly Case[] = [
    [
      'every kind of value',
      'wait: soon\nrot: /x\njson: [1]\n',
      '{}/unpackd.yaml:1: wait: "soon"',
      '{}/unpackd.yaml:2: unknown key "rot"',
      '{}/unpackd.yaml:3: json: ',
    ],
    ['a key without any near it', 'zzzzzzzzzzzz: x\n', '{}/unpackd.yaml:1: unknown key "zzzzzzzzzzzz"'],
    [
      'two letters that are swapped',
      'wiat: 1\n',
      '{}/unpackd.yaml:1: unknown key "wiat"; did you mean wait?',
    ],
    [
      'a list where one value belongs, and lists that hold more',
      'wait: [1]\nplatforms: [[linux/amd64]]\nallowed-registries: []\n',
      '{}/unpackd.yaml:1: wait: the value is not a single one',
      '{}/unpackd.yaml:2: platforms: the value is not a single one',
      '{}/unpackd.yaml:3: allowed-registries: the value is not a single one',
    ],
    ['a key twice', 'wait: 1\nwait: 2\n', '{}/unpackd.yaml:2: wait is already set on line 1'],
    ['what is not valid YAML', 'a: [\n', '{}/unpackd.yaml:2: not valid YAML'],
    ['two documents', 'wait: 1\n---\nwait: 2\n', '{}/unpackd.yaml: holds more than one YAML document'],
    ['a list of keys', '- a\n', '{}/unpackd.yaml: expected lines'],
    ['a host twice', 'registries:\n  q.io:\n  Q.io:\n', '{}/unpackd.yaml:3: registries: q.io is already'],
    [
      'a setting of a registry',
      'registries:\n  q.io:\n    zzzzzzzzzzzzzz: x\n',
      '{}/unpackd.yaml:3: registries: q.io: unknown key',
    ],
    [
      'a name twice',
      'sources: [{file: plain}, {file: plain}]\n',
      '{}/unpackd.yaml:1: sources: "{}/plain" is the name',
    ],
    [
      'a setting of another kind',
      'sources: [{git: "git@x.io:y", username: a, password: env:P}]\n',
      '{}/unpackd.yaml:1: sources: username: is for HTTP alone',
    ],
    [
      'authorities',
      'wait: 1\nca-certificates: none.pem\n',
      '{}/unpackd.yaml:2: ca-certificates: the file "{}/none.pem" does not exist',
    ],
    [
      'authorities that are none',
      'ca-certificates: plain\n',
      '{}/unpackd.yaml:1: ca-certificates: the file "{}/plain" contains no certificate',
    ],
    [
      "Docker's configuration",
      'docker-config: none.json\n',
      '{}/unpackd.yaml:1: docker-config: the credentials file "{}/none.json" does not exist',
    ],
    [
      "Docker's configuration that is none",
      'docker-config: plain\n',
      '{}/unpackd.yaml:1: docker-config: the credentials file "{}/plain" is not valid JSON',
    ],
    [
      'a password',
      'registries:\n  q.io:\n    username: a\n    password: file:none\n',
      '{}/unpackd.yaml:4: registries: q.io: password: the file "{}/none" does not exist',
    ],
    [
      'a variable',
      'registries:\n  q.io:\n    username: a\n    password: env:NONE\n',
      '{}/unpackd.yaml:4: registries: q.io: password: the environment variable NONE is not set',
    ],
    [
      'authorities of a registry',
      'registries:\n  q.io:\n    ca-certificates: none\n',
      '{}/unpackd.yaml:3: registries: q.io: ca-certificates: the file "{}/none" does not exist',
    ],
    [
      'a client certificate',
      'registries:\n  q.io:\n    client-certificate: none\n    client-key: plain\n',
      '{}/unpackd.yaml:3: registries: q.io: client-certificate: the file "{}/none" does not exist',
    ],
    [
      'a password of a source',
      'sources:\n  - url: https://x.io/y\n    password: file:none\n    repositories: r\n',
      '{}/unpackd.yaml:3: sources: password: the file "{}/none" does not exist',
    ],
    [
      'authorities of a source',
      'sources:\n  - url: https://x.io/y\n    ca-certificates: plain\n    repositories: r\n',
      '{}/unpackd.yaml:3: sources: ca-certificates: the file "{}/plain" contains no certificate',
    ],
    [
      'what ssh needs',
      'sources:\n  - git: git@x.io:y\n    key: none\n    known-hosts: none2\nrepositories: r\n',
      '{}/unpackd.yaml:3: sources: key: the file "{}/none" does not exist',
      '{}/unpackd.yaml:4: sources: known-hosts: the file "{}/none2" does not exist',
    ],
    [
      'a key that others may read',
      'sources:\n  - git: git@x.io:y\n    key: open\nrepositories: r\n',
      '{}/unpackd.yaml:3: sources: key: ssh does not use the key "{}/open"',
    ],
    [
      'a directory that is a file',
      'state: plain\n',
      '{}/unpackd.yaml:1: state: the directory "{}/plain" cannot be used: "{}/plain" is not a directory',
    ],
    [
      'a directory below a file',
      'root: plain/a/b\n',
      '{}/unpackd.yaml:1: root: the directory "{}/plain/a/b" cannot be used: "{}/plain" is not a directory',
    ],
    [
      'a link to nowhere',
      'temporary-dir: link/x\n',
      '{}/unpackd.yaml:1: temporary-dir: the directory "{}/link/x" cannot be used: "{}/link" is a link',
    ],
    [
      'a notification file',
      'notification-file: none/x\n',
      '{}/unpackd.yaml:1: notification-file: the file "{}/none/x" cannot be created: the directory "{}/none" does not exist',
    ],
    [
      'a notification file that is a directory',
      'notification-file: .\n',
      '{}/unpackd.yaml:1: notification-file: "{}" is a directory',
    ],
    [
      'a release manager',
      'backend: cvmfs\nroot: none\ncvmfs-server: none/x\ncvmfs-spool: none2\ncvmfs-configuration: plain\n',
      '{}/unpackd.yaml:2: root: the directory "{}/none" does not exist',
      '{}/unpackd.yaml:3: cvmfs-server: the program "none/x" does not exist',
      '{}/unpackd.yaml:4: cvmfs-spool: the directory "{}/none2" does not exist',
      '{}/unpackd.yaml:5: cvmfs-configuration: "{}/plain" is not a directory',
    ],
  ];
  for (const [what, text, ...expected] of errors) {
    it(`is wrong with place and hint: ${what}`, async () => {
      await symlink('nowhere', scene.path('link'));
      const { status, stdout, lines } = await scene.run(['config', 'check'], {
        text,
        environment: { ...PATH, P: 'x' },
      });
      assert.deepEqual([status, stdout], [2, '']);
      assert.equal(lines.length, expected.length, lines.join('\n'));
      for (const [index, line] of lines.entries()) {
        const start = `error[configuration-invalid] ${expected[index]?.replaceAll('{}', scene.folder)}`;
        assert.ok(line.startsWith(start), `${line}\n${start}`);
        assert.match(line.slice(start.length - 20), /; |expected |is for \w+ alone; /, line);
      }
    });
  }

  const warnings: readonly Case[] = [
    [
      'a password that others may read',
      'registries:\n  q.io:\n    username: a\n    password: file:open\n',
      '{}/unpackd.yaml:4: registries: q.io: password: the file "{}/open" with ',
    ],
    [
      'a recipe that is not there',
      'sources:\n  - file: none\n',
      '{}/unpackd.yaml:2: sources: file: "{}/none" does not exist',
    ],
    [
      'a repository that is not there',
      'repositories: r\nsources: [{git: none}, {git: "file:///none/x"}]\n',
      '{}/unpackd.yaml:2: sources: git: "{}/none" does not exist',
      '{}/unpackd.yaml:2: sources: git: "/none/x" does not exist',
    ],
    [
      'strangers who make no repository',
      'sources:\n  - url: https://x.io/y\n',
      '{}/unpackd.yaml:2: sources: "x.io/y" names no repositories, so that it may publish only where',
    ],
    [
      'passwords that go over plain HTTP',
      'repositories: r\nsources:\n  - {git: "http://x.io/y", username: a, password: "env:P"}\n  - {url: "http://x.io/z", password: "env:P"}\n  - {url: "http://localhost/z", password: "env:P"}\nregistries:\n  q.io: {username: a, password: "env:P", allow-http: true}\n',
      '{}/unpackd.yaml:3: sources: password: goes to x.io over plain HTTP',
      '{}/unpackd.yaml:4: sources: password: goes to x.io over plain HTTP',
      '{}/unpackd.yaml:7: registries: q.io: password: may go to q.io over plain HTTP',
    ],
    [
      'options of another backend',
      'wait: 1\ncvmfs-spool: x\n',
      '{}/unpackd.yaml:2: cvmfs-spool has no effect with this backend',
    ],
  ];
  for (const [what, text, ...expected] of warnings) {
    it(`warns: ${what}`, async function () {
      needs(this, 'git');
      const environment = { ...PATH, P: 'secretword' };
      const { status, stdout, lines } = await scene.run(['config', 'check'], { text, environment });
      assert.equal(status, 0);
      assert.match(stdout, / is valid: /);
      assert.equal(lines.length, expected.length, lines.join('\n'));
      for (const [index, line] of lines.entries()) {
        assert.ok(line.startsWith(`warning: ${expected[index]?.replaceAll('{}', scene.folder)}`), line);
      }
    });
  }

  it('warns of strangers who may publish in every repository of a release manager', async () => {
    const text =
      'sources: [{url: "https://x.io/y"}, {url: "https://x.io/z", repositories: r}]\nbackend: cvmfs\n';
    const { lines } = await scene.run(['config', 'check'], { text, environment: PATH });
    const found = lines.filter((line) => line.includes('names no repositories'));
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(
      found[0] ?? '',
      /^warning: .*unpackd\.yaml:1: sources: "x\.io\/y" .* every repository of this machine/,
    );
  });

  it('accepts certificates and keys that belong together', async function () {
    needs(this, 'openssl');
    await makePair(scene.folder, 'client');
    const text =
      'ca-certificates: client.pem\nregistries: {q.io: {client-certificate: client.pem, client-key: client.key}}\n';
    await chmod(scene.path('client.key'), 0o600);
    const { status, stderr } = await scene.run(['config', 'check'], { text });
    assert.deepEqual([status, stderr], [0, '']);
  });

  it('warns where this machine has a CernVM-FS repository and nobody chose the backend', async () => {
    await mkdir(scene.path('server/repositories.d/x.example.org'), { recursive: true });
    const check = async (backend: string): Promise<string> => {
      const text = `cvmfs-configuration: server\n${backend}`;
      return (await scene.run(['config', 'check'], { text })).stderr;
    };
    assert.match(await check('# no backend\n'), /^warning: backend \(by default\): .* x\.example\.org/m);
    assert.doesNotMatch(await check('backend: directory\n'), /x\.example\.org/);
  });

  it('refuses folders in which others could exchange what unpackd has', async () => {
    for (const [folder, mode] of [
      ['shared', 0o777],
      ['sticky', 0o1777],
    ] as const) {
      await mkdir(scene.path(folder));
      await chmod(scene.path(folder), mode);
    }
    const text = 'root: shared\nstate: shared/below\ntemporary-dir: shared\n';
    const { status, lines } = await scene.run(['config', 'check'], { text });
    assert.equal(status, 2);
    assert.equal(lines.length, 3, lines.join('\n'));
    for (const [index, key] of ['root', 'state', 'temporary-dir'].entries())
      assert.match(
        lines[index] ?? '',
        new RegExp(`:${index + 1}: ${key}: other users may write in .*; take that`),
      );
    const sticky = text.replaceAll('shared', 'sticky');
    assert.equal((await scene.run(['config', 'check'], { text: sticky })).stderr, '');
    const itself = await scene.run(['config', 'check'], { text: 'state: sticky\n' });
    assert.equal(itself.status, 2);
  });

  it('says what everybody could use of images, or misses', async function () {
    needsRoot(this);
    await mkdir(scene.path('r'));
    await chmod(scene.folder, 0o755);
    const check = async (text: string): Promise<string> =>
      (await scene.run(['config', 'check'], { text: `backend: directory\nroot: r\n${text}` })).stderr;
    assert.match(await check(''), /^warning: \S+:2: root: set-user-ID programs, .* are left out/);
    assert.match(
      await check('allow-privileged: true\n'),
      /^warning: \S+:3: allow-privileged: every user of this machine can use set-user-ID programs/,
    );
    await chmod(scene.path('r'), 0o750);
    assert.equal(await check(''), '');
  });

  it("says what everybody can use in a release manager's mounts", async function () {
    needsRoot(this);
    for (const folder of ['bin', 'cvmfs/x.example.org', 'spool/x.example.org/rdonly', 'etc/repositories.d'])
      await mkdir(scene.path(folder), { recursive: true });
    await mkdir(scene.path('etc/repositories.d/x.example.org'));
    await scene.write('bin/cvmfs_server', '#!/bin/sh\n', 0o700);
    const text = 'backend: cvmfs\nroot: cvmfs\ncvmfs-spool: spool\ncvmfs-configuration: etc\n';
    const environment = { PATH: scene.path('bin') };
    assert.equal((await scene.run(['config', 'check'], { text, environment })).stderr, '');
    await chmod(scene.folder, 0o755);
    const { status, lines } = await scene.run(['config', 'check'], { text, environment });
    assert.equal(status, 0);
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', /can use set-user-ID programs.* in ".*\/cvmfs\/x\.example\.org"/);
    assert.match(lines[1] ?? '', /in ".*\/spool\/x\.example\.org\/rdonly"/);
  });

  it('finds cvmfs_server in the PATH, and warns where it has no repository', async () => {
    for (const folder of ['bin', 'cvmfs', 'spool', 'etc']) await mkdir(scene.path(folder));
    await scene.write('bin/cvmfs_server', '#!/bin/sh\n', 0o700);
    const text = 'backend: cvmfs\nroot: cvmfs\ncvmfs-spool: spool\ncvmfs-configuration: etc\n';
    const found = { PATH: `/nonexistent:${scene.path('bin')}` };
    const first = await scene.run(['config', 'check'], { text, environment: found });
    assert.equal(first.status, 0, first.stderr);
    assert.match(
      first.stderr,
      /^warning: .*unpackd\.yaml:4: cvmfs-configuration: no repository is configured/,
    );
    await mkdir(scene.path('etc/repositories.d/x.example.org'), { recursive: true });
    assert.equal((await scene.run(['config', 'check'], { environment: found })).stderr, '');
    const missing = await scene.run(['config', 'check'], { environment: { PATH: '/nonexistent' } });
    assert.equal(missing.status, 2);
    assert.match(
      missing.stderr,
      /^error\[configuration-invalid\] cvmfs-server \(by default\): the program "cvmfs_server" does not exist/,
    );
  });

  it('says where there is no git', async () => {
    const text = 'sources: [{git: "https://x.io/y"}]\n';
    const { status, stderr } = await scene.run(['config', 'check'], {
      text,
      environment: { PATH: '/nonexistent' },
    });
    assert.equal(status, 2);
    assert.match(
      stderr,
      /unpackd\.yaml:1: sources: git: there is no program "git" in the PATH; install git\n$/,
    );
  });

  it('checks the environment too', async () => {
    const environment = {
      HTTPS_PROXY: 'ftp://x',
      DUCC_AUTH_REGISTRIES: 'A',
      UNPACKD_NOTIFICATION_FILE: '/none/x',
    };
    const { status, lines } = await scene.run(['config', 'check'], { environment });
    assert.equal(status, 2);
    const starts = [
      'DUCC_A_IDENT is not set',
      'DUCC_A_USER is not set',
      'the environment variable HTTPS_PROXY',
      'UNPACKD_NOTIFICATION_FILE: ',
    ];
    assert.equal(lines.length, starts.length, lines.join('\n'));
    for (const [index, start] of starts.entries())
      assert.ok(lines[index]?.includes(` ${start}`), lines[index]);
  });

  it('has a document for scripts, with errors and without', async () => {
    const wrong = await scene.run(['config', 'check', '--json'], {
      text: 'sources: [{file: none}]\nstate: plain\n',
    });
    assert.equal(wrong.status, 2);
    const { file, valid, findings } = JSON.parse(wrong.stdout) as Record<string, unknown>;
    assert.deepEqual([file, valid], [scene.config, false]);
    assert.deepEqual(
      (findings as { severity: string }[]).map(({ severity }) => severity),
      ['warning', 'error'],
    );
    const right = await scene.run(['config', 'check', '--json'], { text: 'state: s\n' });
    assert.equal(right.status, 0);
    assert.deepEqual(JSON.parse(right.stdout), { file: scene.config, valid: true, findings: [] });
  });
});
