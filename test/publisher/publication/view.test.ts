import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { DirectoryView, SyncBudget } from '../../../publisher/publication/view.ts';
import { failureOf } from '../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../support/setup.ts';

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
