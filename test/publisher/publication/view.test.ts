import assert from 'node:assert/strict';
import { chmodSync, linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { makeNode, setXattr } from '../../../core/system/libc.ts';
import { DirectoryView, SyncBudget } from '../../../publisher/publication/view.ts';
import { failureOf } from '../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { needsRoot } from '../../support/programs.ts';

describe('publisher/publication/view: DirectoryView', () => {
  let view: DirectoryView;
  before(async () => {
    const root = await temporaryDirectory('view');
    mkdirSync(join(root, 'tree', 'inner'), { recursive: true });
    writeFileSync(join(root, 'tree', 'file'), 'content');
    symlinkSync('inner', join(root, 'tree', 'link'));
    writeFileSync(Buffer.concat([Buffer.from(`${root}/tree/inner/caf`), Buffer.of(0xe9)]), 'latin');
    view = new DirectoryView(root);
  });

  const KINDS = [
    ['tree', 'directory'],
    ['tree/file', 'file'],
    ['tree/link', 'symlink'],
    ['tree/inner/caf\xe9', 'file'],
    ['tree/inner/cafe', undefined],
    ['missing', undefined],
    ['missing/below', undefined],
    ['tree/file/below', undefined],
  ] as const;
  for (const [path, kind] of KINDS) {
    it(`sees ${kind ?? 'nothing'} at ${JSON.stringify(path)}`, async () => {
      assert.equal(await view.kindOf(path), kind);
    });
  }

  it('reads links, and nothing where there is none', async () => {
    assert.equal(await view.readLink('tree/link'), 'inner');
    for (const path of ['tree', 'tree/file', 'tree/missing', 'tree/file/below'])
      assert.equal(await view.readLink(path), undefined);
  });

  it('reads files, and nothing where there is none', async () => {
    assert.equal((await view.read('tree/inner/caf\xe9'))?.toString(), 'latin');
    assert.equal(await view.read('tree/missing'), undefined);
    assert.equal(await view.read('tree/file/below'), undefined);
    assert.equal(await view.read('tree'), undefined);
  });

  it('sees each inode with its attributes', async () => {
    const folder = await temporaryDirectory('inodes');
    const there = new DirectoryView(folder);
    writeFileSync(join(folder, 'file'), 'content');
    chmodSync(join(folder, 'file'), 0o4751);
    utimesSync(join(folder, 'file'), 0, new Date(-1.5 * 86_400_000));
    linkSync(join(folder, 'file'), join(folder, 'other'));
    symlinkSync('file', join(folder, 'link'));
    makeNode(Buffer.from(join(folder, 'gone')), { type: 'character-device', major: 0, minor: 0 });
    makeNode(Buffer.from(join(folder, 'fifo')), { type: 'fifo', major: 0, minor: 0 });
    const [file, other] = [await there.inodeOf('file'), await there.inodeOf('other')];
    assert.deepEqual(file, other);
    const { type, attributes, sizeBytes, names } = file ?? {};
    const owner = { uid: process.getuid?.(), gid: process.getgid?.() };
    assert.deepEqual(attributes, { mode: 0o4751, ...owner, mtime: -1.5 * 86_400 });
    assert.deepEqual([type, sizeBytes, names], ['file', 7, 2]);
    for (const [name, expected] of [
      ['link', 'symlink'],
      ['gone', 'character-device'],
      ['fifo', 'fifo'],
      ['', 'directory'],
      ['missing', undefined],
    ] as const)
      assert.equal((await there.inodeOf(name))?.type, expected);
  });

  it('tells the numbers of devices', async function () {
    needsRoot(this);
    const folder = await temporaryDirectory('devices');
    const there = new DirectoryView(folder);
    for (const [major, minor] of [
      [1, 3],
      [0xfff, 0xfffff],
      [259, 70_000],
    ] as const) {
      const name = `${major}-${minor}`;
      makeNode(Buffer.from(join(folder, name)), { type: 'block-device', major, minor });
      const found = await there.inodeOf(name);
      assert.deepEqual([found?.major, found?.minor], [major, minor]);
    }
  });

  it('reads extended attributes, of a link those of itself', async () => {
    const folder = await temporaryDirectory('xattrs');
    const there = new DirectoryView(folder);
    writeFileSync(join(folder, 'file'), '');
    symlinkSync('file', join(folder, 'link'));
    setXattr(Buffer.from(join(folder, 'file')), 'user.caf\xe9', '\0\xff');
    setXattr(Buffer.from(join(folder, 'file')), 'user.empty', '');
    assert.deepEqual(
      new Map([...(await there.xattrsOf('file'))].filter(([name]) => name.startsWith('user.'))),
      new Map([
        ['user.caf\xe9', '\0\xff'],
        ['user.empty', ''],
      ]),
    );
    assert.equal((await there.xattrsOf('link')).has('user.empty'), false);
    assert.equal((await there.xattrsOf('missing')).size, 0);
  });

  it('says why a file cannot be read', async () => {
    assert.equal(await view.whyUnreadable('tree/file'), undefined);
    assert.match((await view.whyUnreadable('tree/link')) ?? '', /ELOOP/);
    assert.match((await view.whyUnreadable('tree/missing')) ?? '', /ENOENT/);
  });

  it('fails with what the system says, as a sentence, where it cannot look', async () => {
    const long = 'x'.repeat(300);
    const { code, message } = await failureOf(view.kindOf(long));
    assert.equal(code, 'repository-unusable');
    assert.match(message, /^the published x+ cannot be read: ENAMETOOLONG: /);
  });

  for (const path of ['tree', 'missing', 'tree/file'] as const) {
    it(`walks below ${path}, parents first, and through no link`, async () => {
      const found: string[] = [];
      for await (const { path: at, kind } of view.walk(path)) found.push(`${kind} ${at}`);
      const below = [
        'directory tree/inner',
        'file tree/file',
        'file tree/inner/caf\xe9',
        'symlink tree/link',
      ];
      assert.deepEqual(found.toSorted(), path === 'tree' ? below : []);
      if (path !== 'tree') return;
      assert.ok(found.indexOf('directory tree/inner') < found.indexOf('file tree/inner/caf\xe9'));
    });
  }
});

describe('publisher/publication/view: SyncBudget', () => {
  let nowMs: number;
  let pace: SyncBudget;
  /** The ways in which calls were made, in their order: `q` for quick, `p` for patient. */
  let ways: string;

  beforeEach(() => {
    nowMs = 0;
    ways = '';
    pace = new SyncBudget(() => nowMs);
  });

  /** Makes a call that takes so long where it is made at once. */
  async function call(tookMs: number): Promise<void> {
    await pace.ask(
      () => {
        nowMs += tookMs;
        ways += 'q';
      },
      async () => {
        await setImmediate();
        ways += 'p';
      },
    );
  }

  async function calls(count: number, tookMs: number): Promise<void> {
    for (let made = 0; made < count; made++) await call(tookMs);
  }

  it('makes calls at once while they are quick, and gives their results and errors', async () => {
    const never = async (): Promise<never> => await Promise.reject(new Error('asked twice'));
    assert.equal(await pace.ask(() => 7, never), 7);
    const failing = (): never => {
      throw new RangeError('no');
    };
    await assert.rejects(pace.ask(failing, never), RangeError);
    await calls(1000, 0.01);
    assert.equal(ways, 'q'.repeat(1000));
  });

  it('gives everything else its turn after 10 ms', async () => {
    let turns = 0;
    const other = setInterval(() => turns++, 0);
    const started = performance.now();
    pace = new SyncBudget();
    // Each is quick, and all of them together take long.
    const spin = async (): Promise<void> =>
      await pace.ask(() => {
        const until = performance.now() + 0.5;
        while (performance.now() < until);
      }, setImmediate);
    await Promise.all(Array.from({ length: 200 }, spin));
    clearInterval(other);
    assert.ok(performance.now() - started >= 50);
    assert.ok(turns >= 3, `${turns} turns`);
  });

  it('is not put off by single slow calls', async () => {
    for (let round = 0; round < 10; round++) {
      await call(5);
      await calls(20, 0.01);
    }
    assert.ok(!ways.includes('p'));
  });

  it('leaves calls to threads after slow ones, and then tries again', async () => {
    await calls(2, 5);
    await calls(32, 5);
    assert.equal(ways, `qq${'p'.repeat(32)}`);
    await calls(1, 5);
    await calls(32, 5);
    assert.equal(ways.slice(34), `q${'p'.repeat(32)}`);
    ways = '';
    await calls(100, 0.01);
    assert.equal(ways, 'q'.repeat(100));
  });
});
