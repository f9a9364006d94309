import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { CvmfsBackendOptions } from '../../../../publisher/repository/cvmfs/backend.ts';
import { killIfThere } from '../../../../core/system/run-program.ts';
import { orphansOf } from '../../../../publisher/repository/cvmfs/transaction-record.ts';
import { RepositoryOvertaken, type Publication } from '../../../../publisher/publication/backend.ts';
import type { Entry } from '../../../../publisher/publication/entry.ts';
import { Failure } from '../../../../core/failure.ts';
import { faults, type Fault } from '../../../support/cvmfs-server/fixture.ts';
import { getAttribute, setAttribute, storesAttributes } from '../../../support/cvmfs-server/system.ts';
import { failureOf } from '../../../support/registry/quick-client.ts';
import {
  directoryEntry,
  fileEntry,
  linkEntry,
  publication,
  specialEntry,
  symlinkEntry,
  uninterrupted,
} from '../entries.ts';
import { NAME, Scene } from './scene.ts';
import { skip } from '../../../support/programs.ts';

const run = promisify(execFile);

const TREE: readonly Entry[] = [
  directoryEntry('tree', { mode: 0o2755 }),
  fileEntry('tree/file', 'content', { mode: 0o4755 }),
  fileEntry('tree/empty'),
  linkEntry('tree/linked', 'tree/file'),
  symlinkEntry('tree/pointing', '../no/where'),
  specialEntry('tree/gone', 'character-device', { mode: 0 }),
  directoryEntry('tree/caf\xe9\n'),
];
const NAMES: readonly Entry[] = [
  directoryEntry('names'),
  fileEntry('names/manifest', 'm'),
  symlinkEntry('names/name', '../tree'),
];
const OPAQUE = { path: 'tree', values: new Map([['user.overlay.opaque', 'y']]) };
/** What is published in a second transaction. */
const SECOND = { names: NAMES, xattrs: [OPAQUE] };
/** More than commands need before they say their first word, on a busy machine too. */
const STUCK_MS = 5000;

describe('publisher/repository/cvmfs/backend', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.make({ xattrs: true });
  });
  afterEach(async () => {
    scene.fixture.inject(undefined);
    await scene.fixture.close();
  });

  /** A name that injects `fault` when it is written: the ingestion is over by then. */
  function injecting(fault: Fault): Entry {
    return {
      ...fileEntry('names/early'),
      get content() {
        scene.fixture.inject(fault);
        return [];
      },
    };
  }

  /** A command before whose `word` somebody else opens a transaction. */
  async function wrapped(word: string): Promise<Pick<CvmfsBackendOptions, 'installation'>> {
    const { command: real, top, root, spool, config } = scene.fixture;
    const command = join(top, 'wrapped');
    const lines = ['#!/bin/sh', `[ "$1" = ${word} ] && ${real} transaction ${NAME}`, `exec ${real} "$@"`];
    await writeFile(command, `${lines.join('\n')}\n`, { mode: 0o755 });
    return { installation: { command, root, spool, configuration: join(config, '..') } };
  }

  describe('publishes', () => {
    it('everything with one command and as one revision', async () => {
      await scene.publish(publication(TREE, { names: NAMES }));
      const [ingest, ...more] = scene.fixture.calls();
      // Nothing of what newer releases offer beside: a link without target must stay an error.
      assert.deepEqual(ingest?.arguments, ['-k', '-t', '-', '-b', '/', NAME]);
      assert.deepEqual(more, []);
      assert.equal(scene.fixture.publications(NAME), 1);
      const found = await scene.published();
      assert.deepEqual([...found.keys()].sort(), [...TREE, ...NAMES].map(({ path }) => path).sort());
      assert.match(found.get('tree') ?? '', /^directory 2755 /);
      assert.match(found.get('tree/file') ?? '', /^file 4755 \S+ 7 1700000000 /);
      assert.equal(found.get('tree/linked'), found.get('tree/file'));
      // What the double publishes must be readable for it, also where it is not root.
      assert.match(found.get('tree/gone') ?? '', /^special 20000 0[04]00 \S+ 0$/);
      assert.match(found.get('names/name') ?? '', /-> \.\.\/tree$/);
      assert.deepEqual([scene.said, scene.isClear()], [[], true]);
    });

    it('links to what was published before, replacements, and deletions', async () => {
      await scene.publish(
        publication([
          ...TREE,
          directoryEntry('more'),
          directoryEntry('old'),
          fileEntry('old/file', 'x'),
          fileEntry('single', 'x'),
        ]),
      );
      const more = [
        directoryEntry('tree'),
        fileEntry('tree/file', 'new'),
        linkEntry('more/linked', 'tree/linked'),
        symlinkEntry('tree/empty', 'x'),
      ];
      await scene.publish(publication(more, { deletions: ['old'], outdated: ['single'] }));
      const found = await scene.published();
      assert.equal(readFileSync(join(scene.fixture.view(NAME), 'tree/file'), 'utf8'), 'new');
      assert.equal(readFileSync(join(scene.fixture.view(NAME), 'more/linked'), 'utf8'), 'content');
      assert.match(found.get('tree/empty') ?? '', /^link /);
      assert.deepEqual(
        [found.has('old'), found.has('single'), found.has('tree/linked')],
        [false, false, true],
      );
      assert.equal(scene.fixture.publications(NAME), 2);
    });

    it('contents while they are made', async () => {
      const order: string[] = [];
      const piece = Buffer.alloc(2 ** 20);
      const pieces = 60;
      const content = async function* (): AsyncGenerator<Uint8Array> {
        for (let index = 0; index < pieces; index++) {
          order.push('made');
          yield piece;
        }
      };
      const large: Entry = { ...fileEntry('large'), sizeBytes: pieces * piece.length, content: content() };
      const repository = await scene.backend().open(NAME, { notice: scene.notice, ...uninterrupted() });
      await repository.publish(publication([large]), {
        ...uninterrupted(),
        onBytes: () => order.push('taken'),
      });
      await repository.release();
      assert.ok(order.indexOf('taken') < order.lastIndexOf('made'), 'the content was gathered first');
      assert.equal(statSync(join(scene.fixture.view(NAME), 'large')).size, pieces * piece.length);
    });

    it('one seal, which replaces the one before', async () => {
      const folder = join(scene.fixture.view(NAME), '.unpackd');
      for (let time = 0; time < 2; time++) {
        await scene.publish(publication([fileEntry('file', String(time))]));
        const [seal, ...others] = readdirSync(join(folder, 'publications'));
        assert.deepEqual(others, []);
        const text = readFileSync(join(folder, 'publications', seal ?? ''), 'utf8');
        assert.equal(readFileSync(join(folder, 'latest'), 'utf8'), text);
      }
    });

    it('again after every failure', async () => {
      scene.fixture.inject(faults.ingest);
      await failureOf(scene.publish(publication(TREE)));
      scene.fixture.inject(undefined);
      await scene.publish(publication(TREE));
      assert.equal(scene.fixture.publications(NAME), 1);
    });
  });

  describe('publishes extended attributes', () => {
    it('with a union transaction after the ingestion, and names only then', async function () {
      if (!storesAttributes(Buffer.from(scene.fixture.top)))
        skip(this, 'on a file system without attributes');
      await scene.publish(publication(TREE, { names: NAMES, xattrs: [OPAQUE] }));
      assert.deepEqual(scene.commands(), ['ingest', 'transaction', 'publish']);
      const [ingest] = scene.fixture.calls();
      assert.equal(ingest?.revisionAfter, 2);
      assert.equal(scene.fixture.publications(NAME), 2);
      const view = scene.fixture.view(NAME);
      assert.equal(getAttribute(Buffer.from(join(view, 'tree')), 'user.overlay.opaque').toString(), 'y');
      assert.equal((await scene.published()).has('names/name'), true);
      assert.deepEqual([scene.said, scene.isClear()], [[], true]);
    });

    it('and takes away what is outdated in that union transaction', async () => {
      await scene.publish(
        publication([directoryEntry('old'), fileEntry('old/file', 'x'), fileEntry('single', 'x')]),
      );
      const outdated = ['old', 'single'];
      await scene.publish(publication(TREE, { names: NAMES, xattrs: [OPAQUE], outdated }));
      const [, ingest] = scene.fixture.calls();
      assert.equal(ingest?.arguments.includes('old'), false);
      const found = await scene.published();
      assert.deepEqual(
        [found.has('old'), found.has('single'), found.has('names/name')],
        [false, false, true],
      );
      assert.deepEqual([scene.said, scene.isClear()], [[], true]);
    });

    it('and nothing where the second transaction cannot be opened', async () => {
      await assertNothingLeft(publication(injectingAfter({ ...faults.open, times: 1 }), SECOND));
    });

    it('and nothing where the second transaction fails to publish', async () => {
      const names = [...NAMES, injecting({ ...faults.publish, times: 1 })];
      await assertNothingLeft(publication(TREE, { ...SECOND, names }));
    });

    it('and nothing where one of the names has no place', async () => {
      await assertNothingLeft(publication(TREE, { ...SECOND, names: [...NAMES, fileEntry('tree', 'x')] }));
    });

    it('and takes nothing away but what it brought itself', async () => {
      const before = [
        directoryEntry('shared'),
        directoryEntry('shared/old'),
        fileEntry('shared/old/file', 'x'),
      ];
      await scene.publish(publication([...before, directoryEntry('tree'), fileEntry('tree/file', 'before')]));
      const trees = [
        ...TREE,
        directoryEntry('shared/new'),
        fileEntry('shared/new/file', 'x'),
        fileEntry('shared/old/more', 'x'),
      ];
      await assertNothingLeft(publication(trees, { ...SECOND, names: [...NAMES, fileEntry('tree', 'x')] }), [
        'shared',
        'shared/old',
        'shared/old/file',
        'shared/old/more',
        ...TREE.map(({ path }) => path),
      ]);
    });

    it('and what was brought goes with the next publication where nothing can be taken away', async () => {
      const failing = scene.publish(publication(injectingAfter(faults.open), SECOND));
      assert.equal((await failureOf(failing)).code, 'repository-unusable');
      const found = await scene.published();
      assert.deepEqual([found.has('tree/file'), found.has('names')], [true, false]);
      assert.match(scene.said.at(-1) ?? '', /^warning: what it brought stays for now/);
      scene.fixture.inject(undefined);
      await scene.publish(publication([fileEntry('new')]));
      assert.deepEqual([...(await scene.published()).keys()], ['new']);
    });

    it('and never what another publication has brought since then', async () => {
      await failureOf(scene.publish(publication(injectingAfter(faults.open), SECOND)));
      scene.fixture.inject({ ...faults.open, times: 1 });
      await scene.publish(publication(TREE, { names: NAMES }));
      assert.match(scene.said.at(-1) ?? '', /^warning: what it brought stays for now/);
      await scene.publish(publication([fileEntry('new')]));
      const found = await scene.published();
      for (const { path } of [...TREE, ...NAMES]) assert.ok(found.has(path), path);
    });

    it('and leaves the transaction that somebody opens in between alone', async () => {
      const command = await wrapped('transaction');
      const failing = scene.publish(publication(TREE, { names: NAMES, xattrs: [OPAQUE] }), command);
      assert.equal((await failureOf(failing)).code, 'repository-unusable');
      assert.equal(existsSync(scene.paths.transaction), true);
      assert.equal(scene.commands().includes('abort'), false);
    });

    /** The trees, with a fault before the second transaction. */
    async function* injectingAfter(fault: Fault): AsyncGenerator<Entry> {
      yield* TREE;
      while (!existsSync(scene.paths.transaction)) await sleep(5);
      scene.fixture.inject(fault);
    }

    async function assertNothingLeft(failing: Publication, left: readonly string[] = []): Promise<void> {
      assert.equal((await failureOf(scene.publish(failing))).code, 'repository-unusable');
      assert.deepEqual([...(await scene.published()).keys()].sort(), [...left].sort());
      assert.equal(scene.isClear(), true);
      await scene.publish(publication(TREE, SECOND));
      assert.equal((await scene.published()).has('names/name'), true);
    }

    it('also where the second command gets stuck after it has published', async () => {
      const names = [...NAMES, injecting({ action: 'hang', at: 'remount', times: 1 })];
      await scene.publish(publication(TREE, { names, xattrs: [OPAQUE] }), { idleLimitMs: STUCK_MS });
      assert.equal((await scene.published()).has('names/name'), true);
      assert.deepEqual([scene.said.length, scene.isClear()], [1, true]);
      assert.match(scene.said[0] ?? '', /^warning: /);
    });

    it('not where the repository keeps none, which it says beforehand', async () => {
      for (const xattrs of [false, true]) {
        await scene.fixture.close();
        scene = await Scene.make({ xattrs });
        const { notice } = scene;
        const { signal } = uninterrupted();
        const repository = await scene.backend().open(NAME, { notice, signal });
        assert.deepEqual(
          repository.capabilities.lostXattrs(OPAQUE.values),
          xattrs ? [] : [...OPAQUE.values.keys()],
        );
        await repository.release();
      }
    });
  });

  describe('changes nothing and leaves no transaction', () => {
    const FAULTS: readonly (readonly [what: string, fault: Fault])[] = [
      ['where no transaction can be opened', faults.open],
      ['where somebody holds the mount', faults.holders],
      ['where the ingestion fails in the middle', faults.ingest],
      ['where it fails at its publication', faults.publish],
      ['where the command is killed at its opening', { action: 'kill', at: 'open' }],
      ['where the command is killed in the middle', { action: 'kill', at: 'read', entries: 2 }],
      ['where the command is killed before it has published', { action: 'kill', at: 'commit' }],
    ];
    for (const [what, fault] of FAULTS) {
      it(what, async () => {
        scene.fixture.inject(fault);
        const failure = await failureOf(scene.publish(publication(TREE, { names: NAMES })));
        assert.equal(failure.code, fault === faults.holders ? 'repository-busy' : 'repository-unusable');
        assert.notEqual(failure.hint, undefined);
        assert.deepEqual([...(await scene.published())], []);
        assert.deepEqual([scene.fixture.publications(NAME), scene.isClear()], [0, true]);
      });
    }

    it('where the command gets stuck, which is told with its last words', async () => {
      scene.fixture.inject(faults['hang-read']);
      const failure = await failureOf(scene.publish(publication(TREE), { idleLimitMs: STUCK_MS }));
      assert.equal(failure.code, 'repository-unusable');
      assert.match(failure.message, /no progress .*Processing changes/);
      assert.deepEqual([...(await scene.published())], []);
      assert.equal(scene.isClear(), true);
    });

    it('where the stream breaks', async () => {
      const broken = new Failure('layer-corrupt', 'a test broke it');
      const breaking = async function* (): AsyncGenerator<Entry> {
        yield* TREE;
        yield { ...fileEntry('large'), sizeBytes: 2 ** 22, content: [Buffer.alloc(2 ** 21)] };
        throw broken;
      };
      await assert.rejects(scene.publish(publication(breaking())));
      const late = async function* (): AsyncGenerator<Entry> {
        yield* TREE;
        throw broken;
      };
      assert.equal(await failureOf(scene.publish(publication(late()))), broken);
      assert.deepEqual([...(await scene.published())], []);
      assert.equal(scene.isClear(), true);
    });

    for (const entries of [0, 1, 4] as const) {
      it(`where it is interrupted after ${entries} entries`, async () => {
        const controller = new AbortController();
        const reason = new Failure('interrupted', 'by a test');
        const endless = async function* (): AsyncGenerator<Entry> {
          yield directoryEntry('many');
          for (let index = 0; ; index++) {
            yield { ...fileEntry(`many/${index}`), sizeBytes: 2 ** 20, content: [Buffer.alloc(2 ** 20)] };
            if (index === entries) controller.abort(reason);
          }
        };
        const failure = await failureOf(scene.publish(publication(endless()), { signal: controller.signal }));
        assert.equal(failure.code, 'interrupted');
        assert.deepEqual([...(await scene.published())], []);
        assert.equal(scene.isClear(), true);
      });
    }

    it('where it is interrupted before it begins', async () => {
      const repository = await scene.backend().open(NAME, { notice: scene.notice, ...uninterrupted() });
      const options = { ...uninterrupted(), signal: AbortSignal.abort() };
      const failure = await failureOf(repository.publish(publication(TREE), options));
      await repository.release();
      assert.equal(failure.code, 'interrupted');
      assert.deepEqual([scene.fixture.publications(NAME), scene.isClear()], [0, true]);
    });
  });

  describe('deletes what ingest', () => {
    const ODD = ['odd/a b', 'odd/caf\xe9', "odd/it's", 'odd/new\nline', 'odd/$(exit)'];
    const COLONS = ['odd/a:b', 'odd/Foo::Bar.3pm'];
    const WHOLE = [
      directoryEntry('odd'),
      ...[...ODD, ...COLONS].map((path) => fileEntry(path, 'x')),
      ...TREE,
    ];

    for (const release of ['2.12', '2.14'] as const) {
      describe(`of ${release}`, () => {
        beforeEach(async () => {
          await scene.fixture.close();
          scene = await Scene.make({ release });
          await scene.publish(publication(WHOLE));
        });

        it('cannot be told of in a union transaction, with the names', async () => {
          const deletions = [...ODD, ...COLONS];
          await scene.publish(publication([directoryEntry('new')], { names: NAMES, deletions }));
          const found = await scene.published();
          assert.deepEqual(
            deletions.filter((path) => found.has(path)),
            [],
          );
          assert.deepEqual([found.has('new'), found.has('names/name')], [true, true]);
          assert.deepEqual(commands(), ['ingest', 'transaction', 'publish']);
          assert.deepEqual([scene.said, scene.isClear()], [[], true]);
        });

        it('nobody can be told of: nothing changes, and it is no failure of the repository', async () => {
          const hidden = specialEntry('odd/a deletion', 'character-device', { mode: 0 });
          await scene.publish(publication([directoryEntry('odd'), hidden]));
          const before = scene.fixture.publications(NAME);
          for (const gone of [{ deletions: [hidden.path] }, { outdated: [hidden.path] }]) {
            const failing = scene.publish(publication([directoryEntry('new')], { names: NAMES, ...gone }));
            assert.equal((await failureOf(failing)).code, 'repository-conflict');
          }
          assert.equal(scene.fixture.publications(NAME), before);
        });

        it('can be told of in one step', async () => {
          const plain = ['tree/empty', 'tree/linked', 'tree/gone'];
          const deletions = release === '2.12' ? plain : [...plain, ...COLONS];
          await scene.publish(publication([directoryEntry('new')], { names: NAMES, deletions }));
          const found = await scene.published();
          assert.deepEqual(
            deletions.filter((path) => found.has(path)),
            [],
          );
          assert.deepEqual(commands(), ['ingest']);
        });

        it('cannot be told of in one word, and names only then', async () => {
          const many = Array.from({ length: 2000 }, (_, index) => `many/${'x'.repeat(60)}${index}`);
          await scene.publish(publication([directoryEntry('many'), ...many.map((path) => fileEntry(path))]));
          const outdated = [...many, 'tree'];
          await scene.publish(
            publication([directoryEntry('new')], { names: [directoryEntry('names')], outdated }),
          );
          const found = [...(await scene.published()).keys()].filter((path) => /^(?:many\/|tree)/.test(path));
          assert.deepEqual(found, []);
          assert.deepEqual(scene.isClear(), true);
        });

        it('can be told of at once, by as many as it says, in one step each', async () => {
          const many = Array.from({ length: 1500 }, (_, index) => `many/${'x'.repeat(100)}${index}`);
          await scene.publish(publication([directoryEntry('many'), ...many.map((path) => fileEntry(path))]));
          let rest = many;
          for (let batches = 0; rest.length > 0; batches++) {
            const count = await fitting(rest);
            assert.ok(count > 300 && batches < 4, `${count} at ${batches}`);
            const deletions = rest.slice(0, count);
            rest = rest.slice(count);
            const marks = fileEntry('marks', String(rest.length));
            await scene.publish(publication([], { names: [marks], deletions }));
            const found = [...(await scene.published()).keys()].filter((path) => path.startsWith('many/'));
            assert.equal(found.length, rest.length);
            const text = await scene.backend().view(NAME).read('marks');
            assert.equal(text?.toString(), String(rest.length));
          }
          assert.deepEqual([...new Set(commands())], ['ingest']);
          assert.deepEqual(scene.fixture.problems(NAME), []);
        });

        it('cannot be told of again, where the union transaction fails', async () => {
          const early = injecting(faults.publish);
          const names = [...NAMES, early];
          const failing = scene.publish(publication([directoryEntry('new')], { names, deletions: ODD }));
          assert.equal((await failureOf(failing)).code, 'repository-unusable');
          const found = await scene.published();
          assert.deepEqual([found.has('odd/a b'), found.has('names')], [true, false]);
          scene.fixture.inject(undefined);
          await scene.publish(publication([directoryEntry('new')], { names: NAMES, deletions: ODD }));
          assert.equal((await scene.published()).has('odd/a b'), false);
        });
      });
    }

    async function fitting(paths: readonly string[]): Promise<number> {
      const { notice } = scene;
      const repository = await scene.backend().open(NAME, { notice, signal: new AbortController().signal });
      try {
        const room = await repository.deletionRoom();
        const end = paths.findIndex((path) => !room.take([path]));
        return end === -1 ? paths.length : end;
      } finally {
        await repository.release();
      }
    }

    /** After the first, without the question for the version. */
    function commands(): string[] {
      return scene
        .commands()
        .slice(1)
        .filter((command) => command !== '--version');
    }
  });

  describe('counts as published', () => {
    for (const [what, fault] of [
      ['gets stuck at the remount', { action: 'hang', at: 'remount', times: 1 }],
      ['is killed at the remount', { action: 'kill', at: 'remount', times: 1 }],
      ['is killed at its very end', { action: 'kill', at: 'close', times: 1 }],
    ] as const) {
      it(`with a warning, where the command ${what}`, async () => {
        scene.fixture.inject(fault);
        await scene.publish(publication(TREE, { names: NAMES }), { idleLimitMs: STUCK_MS });
        assert.equal((await scene.published()).has('names/name'), true);
        assert.equal(scene.said.length, 1);
        assert.match(scene.said[0] ?? '', /^warning: published, although /);
        assert.equal(scene.isClear(), true);
        await scene.publish(publication([fileEntry('next')]));
        assert.equal(scene.fixture.publications(NAME), 2);
      });
    }

    it('not where the abort gets stuck too; the next start clears it up', async () => {
      scene.fixture.inject(faults['hang-remount']);
      const failing = scene.publish(publication(TREE, { names: NAMES }), { idleLimitMs: STUCK_MS });
      assert.equal((await failureOf(failing)).code, 'repository-unusable');
      assert.equal(existsSync(scene.paths.record), true);
      scene.fixture.inject(undefined);
      await scene.backend().recover(NAME, scene.notice);
      assert.equal(scene.isClear(), true);
      assert.equal((await scene.published()).has('names/name'), true);
    });
  });

  describe('where somebody uses the mount', () => {
    function somebodyStandsThere(): ChildProcess {
      return spawn('sleep', ['60'], { cwd: scene.repository.mount, stdio: 'ignore' });
    }

    it('waits, and gives up with their names', async () => {
      const child = somebodyStandsThere();
      try {
        const failure = await failureOf(scene.publish(publication(TREE), { waitMs: 600 }));
        assert.equal(failure.code, 'repository-busy');
        assert.match(failure.message, new RegExp(String.raw`^sleep \(process ${child.pid}\) has files of `));
        assert.deepEqual(scene.commands(), []);
        assert.equal(scene.said.filter((line) => line.startsWith('waiting: waiting')).length, 1);
      } finally {
        child.kill();
      }
    });

    it('goes on when they are gone', async () => {
      const child = somebodyStandsThere();
      const waiting = scene.publish(publication(TREE), { waitMs: 300_000 });
      while (scene.said.length === 0) await sleep(20);
      child.kill();
      await waiting;
      assert.equal((await scene.published()).has('tree/file'), true);
    });
  });

  describe('leaves the transaction of somebody else', () => {
    async function somebodyOpens(): Promise<void> {
      await run(scene.fixture.command, ['transaction', NAME]);
    }

    it('alone, waits for it, and gives up', async () => {
      await somebodyOpens();
      const failure = await failureOf(scene.publish(publication(TREE), { waitMs: 600 }));
      assert.equal(failure.code, 'repository-busy');
      assert.equal(existsSync(scene.paths.transaction), true);
      assert.deepEqual(scene.commands(), ['transaction']);
      assert.equal(scene.said.filter((line) => line.startsWith('waiting: waiting')).length, 1);
      await scene.backend().recover(NAME, scene.notice);
      assert.equal(existsSync(scene.paths.transaction), true);
    });

    it('alone, and goes on when it has ended', async () => {
      await somebodyOpens();
      const waiting = scene.publish(publication(TREE), { waitMs: 300_000 });
      while (scene.said.length === 0) await sleep(20);
      await run(scene.fixture.command, ['abort', '-f', NAME]);
      await waiting;
      assert.equal((await scene.published()).has('tree/file'), true);
    });

    it('alone, where it was opened after ours was refused', async () => {
      const repository = await scene.backend().open(NAME, { notice: scene.notice, ...uninterrupted() });
      await somebodyOpens();
      const failure = await failureOf(repository.publish(publication(TREE), uninterrupted()));
      await repository.release();
      assert.equal(failure.code, 'repository-busy');
      assert.equal(existsSync(scene.paths.transaction), true);
    });

    it('and publishes nothing that was composed before it was published', async function () {
      const root = Buffer.from(realpathSync(scene.fixture.view(NAME)));
      if (!storesAttributes(root)) skip(this, 'on a file system without attributes');
      const tell = (revision: string): void => setAttribute(root, 'user.revision', Buffer.from(revision));
      tell('2');
      const repository = await scene.backend().open(NAME, { notice: scene.notice, ...uninterrupted() });
      tell('3');
      const failure = await failureOf(repository.publish(publication(TREE), uninterrupted()));
      await repository.release();
      assert.ok(failure instanceof RepositoryOvertaken);
      assert.deepEqual(scene.commands(), []);
      await scene.publish(publication(TREE));
      assert.equal((await scene.published()).has('tree/file'), true);
    });

    it('alone, where it was opened between the check and our command', async () => {
      const failure = await failureOf(scene.publish(publication(TREE), await wrapped('ingest')));
      assert.equal(failure.code, 'repository-unusable');
      assert.equal(existsSync(scene.paths.transaction), true);
      assert.equal(scene.commands().includes('abort'), false);
    });
  });

  describe('clears up what a crash of its own left', () => {
    /** Publishes in a process of its own, which is killed once `isReached`: it alone, or with its command. */
    async function crash(
      stalls: 'trees' | 'names' | 'nothing',
      isReached: () => boolean,
      { withCommand }: { readonly withCommand: boolean },
    ): Promise<void> {
      const { command, root, spool, config } = scene.fixture;
      const script = fileURLToPath(new URL('crash.js', import.meta.url));
      const words = [script, NAME, command, root, spool, join(config, '..'), stalls];
      const child = spawn(process.execPath, words, { stdio: ['ignore', 'inherit', 'inherit'] });
      const ended = once(child, 'exit');
      while (!isReached()) await sleep(5);
      child.kill('SIGKILL');
      await ended;
      if (withCommand) for (const pid of orphansOf(scene.repository)) killIfThere(pid, 'SIGKILL');
    }

    function isOpen(): boolean {
      return existsSync(scene.paths.transaction);
    }

    function hasBegun(command: string): boolean {
      return isOpen() && scene.commands().includes(command);
    }

    for (const withCommand of [false, true]) {
      it(`in the middle of the stream, ${withCommand ? 'with' : 'without'} its command`, async () => {
        await crash('trees', isOpen, { withCommand });
        await scene.publish(publication([fileEntry('new')]));
        assert.deepEqual([...(await scene.published()).keys()], ['new']);
        assert.equal(scene.isClear(), true);
      });
    }

    it('while it wrote in a union transaction', async () => {
      await crash('names', () => hasBegun('transaction'), { withCommand: false });
      await scene.backend().recover(NAME, scene.notice);
      assert.equal(scene.isClear(), true);
      assert.deepEqual([...(await scene.published()).keys()], []);
    });

    it('while it published a union transaction', async () => {
      const isPublishing = (): boolean => {
        const last = scene.fixture.calls().at(-1);
        if (last?.command === 'transaction' && last.exitCode === 0)
          scene.fixture.inject({ action: 'hang', at: 'commit' });
        return hasBegun('publish');
      };
      await crash('nothing', isPublishing, { withCommand: true });
      scene.fixture.inject(undefined);
      await scene.backend().recover(NAME, scene.notice);
      assert.equal(scene.isClear(), true);
      assert.deepEqual([...(await scene.published()).keys()], []);
    });

    it('while nothing was mounted, which is no hindrance to a look at it', async () => {
      scene.fixture.inject({ action: 'hang', at: 'remount' });
      const isUnmounted = (): boolean => isOpen() && readdirSync(scene.fixture.view(NAME)).length === 0;
      await crash('nothing', isUnmounted, { withCommand: true });
      scene.fixture.inject(undefined);
      assert.equal(await scene.backend().view(NAME).kindOf('tree'), undefined);
      await scene.publish(publication([fileEntry('new')]));
      assert.equal(scene.isClear(), true);
      assert.deepEqual([...(await scene.published()).keys()], ['new']);
    });
  });

  describe('is not usable', () => {
    it('without the program', async () => {
      const { root, spool, config } = scene.fixture;
      const installation = {
        command: '/no/such/cvmfs_server',
        root,
        spool,
        configuration: join(config, '..'),
      };
      const failure = await failureOf(scene.publish(publication(TREE), { installation }));
      assert.equal(failure.code, 'repository-unusable');
      assert.match(failure.message, /\/no\/such\/cvmfs_server/);
      assert.equal(scene.isClear(), true);
    });

    it('where this machine has no such repository', async () => {
      const backend = scene.backend();
      const { notice } = scene;
      assert.throws(() => backend.view('other.unpackd.test'), hasCode);
      assert.equal(
        (await failureOf(backend.open('other.unpackd.test', { notice, ...uninterrupted() }))).code,
        'repository-unusable',
      );
      assert.equal(
        (await failureOf(backend.recover('other.unpackd.test', notice))).code,
        'repository-unusable',
      );
    });

    it('where it is not mounted', async () => {
      rmSync(scene.fixture.view(NAME));
      assert.throws(() => scene.backend().view(NAME), hasCode);
    });
  });

  it('is held by one at a time', async () => {
    const repository = await scene.backend().open(NAME, { notice: scene.notice, ...uninterrupted() });
    const failure = await failureOf(scene.publish(publication(TREE)));
    assert.equal(failure.code, 'repository-busy');
    await scene.backend().recover(NAME, scene.notice);
    await repository.release();
    await scene.publish(publication(TREE));
  });
});

function hasCode(error: unknown): boolean {
  return error instanceof Failure && error.code === 'repository-unusable';
}
