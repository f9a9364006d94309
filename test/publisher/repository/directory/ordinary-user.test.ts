import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { json } from 'node:stream/consumers';
import type { Attributes } from '../../../../publisher/publication/entry.ts';
import { USER, ordinaryUser } from '../../../support/e2e/ordinary-user.ts';
import type { OrdinaryUser } from '../../../support/e2e/ordinary-user.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { NAME, Scene } from './scene.ts';
import type { PlainEntry, Request, Result } from './request.ts';

const OWN: Attributes = { mode: 0o755, uid: USER, gid: USER, mtime: 1000 };

type Publication = Partial<Request['publications'][number]>;

function directory(path: string, attributes: Partial<Attributes> = {}): PlainEntry {
  return { type: 'directory', path, attributes: { ...OWN, ...attributes } };
}

function file(path: string, content: string, attributes: Partial<Attributes> = {}): PlainEntry {
  const sizeBytes = content.length;
  return { type: 'file', path, attributes: { ...OWN, mode: 0o644, ...attributes }, sizeBytes, content };
}

describe('publisher/repository/directory/ordinary-user', () => {
  async function publish(user: OrdinaryUser, root: string, ...publications: Publication[]): Promise<Result> {
    const script = 'test/publisher/repository/directory/publish-as-user.js';
    const child = user.start(script, [], process.env);
    child.stderr?.pipe(process.stderr);
    const filled = publications.map((given) => ({ entries: [], deletions: [], xattrs: [], ...given }));
    const request: Request = { root, name: NAME, publications: filled };
    child.stdin?.end(JSON.stringify(request));
    assert.ok(child.stdout);
    return (await json(child.stdout)) as Result;
  }

  it('keeps everything but what only root may, and says what the file system refused it', async function () {
    const user = await ordinaryUser(this);
    const root = await user.directory();
    const entries: PlainEntry[] = [
      directory('tree', { uid: 0, gid: 0, mode: 0o2755 }),
      file('tree/setuid', 'x', { mode: 0o6755, uid: 0, gid: 0, mtime: -5 }),
      file('tree/own', 'x', { mode: 0o4711 }),
      file('tree/read-only', 'x', { mode: 0o444 }),
      { type: 'symlink', path: 'tree/link', target: 'own', attributes: { ...OWN, uid: 1, gid: 1 } },
      { type: 'character-device', path: 'tree/gone', attributes: { ...OWN, mode: 0 }, major: 0, minor: 0 },
      { type: 'character-device', path: 'tree/null', attributes: OWN, major: 1, minor: 3 },
      { type: 'fifo', path: 'tree/fifo', attributes: OWN, major: 0, minor: 0 },
    ];
    const xattrs = [
      { path: 'tree/own', values: { 'trusted.test': 'x' } },
      { path: 'tree/read-only', values: { 'user.test': 'x' } },
    ];
    const again = { entries: [file('more', 'x', { uid: 0, gid: 0 })] };
    const { code, said } = await publish(user, root, { entries, xattrs }, again);
    assert.deepEqual([code, said.length], [undefined, 1]);
    assert.match(
      said[0] ?? '',
      /^warning: 1 device \(tree\/null\), 2 extended attributes \(tree\/own, tree\/read-only\) could not be kept/,
    );

    const found = await new Scene(root).published();
    const owner = `${USER}:${USER}`;
    assert.equal(found.get('tree'), `directory 0755 ${owner} 1000`);
    assert.match(found.get('tree/setuid') ?? '', new RegExp(`^file 0755 ${owner} 1 -5 `));
    assert.match(found.get('tree/own') ?? '', new RegExp(`^file 4711 ${owner} 1 1000 `));
    assert.equal(found.get('tree/link'), `link ${owner} -> own`);
    assert.equal(found.get('tree/gone'), `special 20000 0000 ${owner} 0`);
    assert.equal(found.get('tree/fifo'), `special 10000 0755 ${owner} 0`);
    assert.equal(found.has('tree/null'), false);
    assert.equal(found.has('more'), true);
  });

  it('publishes, replaces and deletes trees with folders that forbid it', async function () {
    const user = await ordinaryUser(this);
    const root = await user.directory();
    const locked = { mode: 0o555 };
    const first: PlainEntry[] = [
      directory('tree', locked),
      directory('tree/in', locked),
      file('tree/in/file', 'old', { mode: 0 }),
      { type: 'link', path: 'tree/in/linked', target: 'tree/in/file' },
      directory('tree/gone', locked),
      directory('tree/gone/in', { mode: 0o300 }),
      file('tree/gone/in/file', 'old'),
      file('tree/old', 'old'),
    ];
    const second: PlainEntry[] = [
      directory('tree', locked),
      directory('tree/in', locked),
      file('tree/in/file', 'new', { mode: 0 }),
      { type: 'link', path: 'tree/in/third', target: 'tree/in/linked' },
      directory('tree/in/fresh', locked),
      file('tree/in/fresh/file', 'new'),
    ];
    const { code, said } = await publish(
      user,
      root,
      { entries: first },
      { entries: second, deletions: ['tree/gone', 'tree/old'] },
    );
    assert.deepEqual([code, said], [undefined, []]);
    const scene = new Scene(root);
    const found = await scene.published();
    const owner = `${USER}:${USER}`;
    assert.deepEqual([...found.keys()].sort(), [
      'tree',
      'tree/in',
      'tree/in/file',
      'tree/in/fresh',
      'tree/in/fresh/file',
      'tree/in/linked',
      'tree/in/third',
    ]);
    for (const path of ['tree', 'tree/in', 'tree/in/fresh'])
      assert.equal(found.get(path), `directory 0555 ${owner} 1000`, path);
    assert.match(found.get('tree/in/file') ?? '', new RegExp(`^file 0000 ${owner} 3 1000 `));
    assert.deepEqual(scene.leftOver(), []);
  });

  it('throws away what it staged, whatever the folders forbid', async function () {
    const user = await ordinaryUser(this);
    const root = await user.directory();
    const entries: PlainEntry[] = [
      directory('tree', { mode: 0 }),
      directory('tree/in', { mode: 0o111 }),
      file('tree/in/file', 'x'),
      { type: 'link', path: 'tree/in/linked', target: 'missing' },
    ];
    const { code } = await publish(user, root, { entries });
    assert.equal(code, 'repository-unusable');
    const scene = new Scene(root);
    assert.deepEqual([...(await scene.published())], []);
    assert.deepEqual(scene.leftOver(), []);
  });

  it('cannot use a directory that is not his', async function () {
    const user = await ordinaryUser(this);
    const root = await temporaryDirectory('others');
    mkdirSync(`${root}/${NAME}`);
    const { code } = await publish(user, root, { entries: [file('new', 'x')] });
    assert.equal(code, 'repository-unusable');
  });

  const OTHERS: readonly (readonly [what: string, make: (path: string) => void, given: Publication])[] = [
    ['the repository', () => undefined, { entries: [file('new', 'x')] }],
    [
      'a folder in it',
      (repository) => {
        chownSync(repository, USER, USER);
        mkdirSync(`${repository}/folder`);
      },
      { entries: [file('new', 'x'), file('folder/new', 'x')] },
    ],
    [
      'a folder that is to get other attributes',
      (repository) => {
        chownSync(repository, USER, USER);
        mkdirSync(`${repository}/folder`);
        chmodSync(`${repository}/folder`, 0o777);
      },
      { entries: [file('new', 'x'), directory('folder')] },
    ],
    [
      'a folder that is to be deleted',
      (repository) => {
        chownSync(repository, USER, USER);
        mkdirSync(`${repository}/folder`);
      },
      { entries: [file('new', 'x')], deletions: ['folder'] },
    ],
    [
      'a folder from which something is to be deleted',
      (repository) => {
        chownSync(repository, USER, USER);
        mkdirSync(`${repository}/folder`);
        writeFileSync(`${repository}/folder/file`, '');
      },
      { entries: [file('new', 'x')], deletions: ['folder/file'] },
    ],
  ];
  for (const [what, make, given] of OTHERS) {
    it(`changes nothing where ${what} is not his`, async function () {
      const user = await ordinaryUser(this);
      const root = await user.directory();
      const scene = new Scene(root);
      mkdirSync(scene.repository);
      make(scene.repository);
      const before = await scene.published();
      const { code } = await publish(user, root, given);
      assert.equal(code, 'repository-unusable');
      assert.deepEqual(await scene.published(), before);
      assert.deepEqual(scene.leftOver(), []);
    });
  }
});
