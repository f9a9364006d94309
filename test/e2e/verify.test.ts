import assert from 'node:assert/strict';
import { existsSync, lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { displayPath } from '../../core/system/byte-path.ts';
import { Victim } from '../support/damage/victim.ts';
import { addFile, becomeFolder, remove } from '../support/damage/edits.ts';
import { MULTIARCH_WAYS, roundsOf, WAYS, type Way } from '../support/damage/ways.ts';
import { richImage, smallImage } from '../support/e2e/images.ts';
import { wholeOf } from '../support/e2e/published.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, REPOSITORY, Site, type BackendKind } from '../support/e2e/site.ts';
import { runHere } from '../support/e2e/unpackd.ts';
import { lockState } from '../../daemon/state/state-lock.ts';
import { image, imageIndex } from '../support/images/image.ts';
import { directory, file } from '../support/images/layer-entry.ts';
import { layer } from '../support/images/layer.ts';
import { describeWith } from '../support/programs.ts';
import { differences, type Snapshot } from '../support/trees/snapshot.ts';

interface Found {
  readonly verified: number;
  readonly images: readonly {
    readonly image: string;
    readonly outcome: string;
    readonly findings: readonly { readonly kind: string; readonly path: string }[];
    readonly unknown: readonly string[];
    readonly failure?: { readonly code: string };
  }[];
}

interface Verified extends Found {
  readonly status: number | undefined;
  readonly stderr: string;
}

async function verify(site: Site, ...words: readonly string[]): Promise<Verified> {
  const { status, stdout, stderr } = await runHere([
    'verify',
    REPOSITORY,
    ...words,
    '--json',
    ...site.options,
  ]);
  const found: Found = JSON.parse(stdout);
  return { ...found, status, stderr };
}

/** What is nobody's part but the image's own, and must not be touched by its repair: by inode, with the time of its last change. */
function identities(site: Site, paths: Iterable<string>): string[] {
  return Array.from(paths, (path) => {
    const { ino, ctimeMs } = lstatSync(Buffer.from(site.path(path), 'latin1'));
    return `${path} ${ino} ${ctimeMs}`;
  });
}

/** The double of cvmfs_server keeps files, whose owners only root can set; a real server has them in its catalogs. */
function neededOf(kind: BackendKind): string[] {
  return kind === 'cvmfs' ? ['root'] : [];
}

for (const kind of BACKENDS) {
  describeWith(['root'], `e2e/verify: ways to break a published image, backend ${kind}`, () => {
    const ways = WAYS.filter(({ only }) => only === undefined || only === kind);
    let site: Site;
    let registry: TestRegistry;
    let victim: Victim;
    let whole: Snapshot;
    let others: readonly string[];
    /** Each is done once, by the first test that asks for it. */
    const rounds = new Map<Way, () => Promise<Round>>();
    before(async () => {
      site = await Site.make(kind);
      registry = await TestRegistry.start();
      const [rich, alone] = [await richImage(), await smallImage('other')];
      const wish = registry.add('lab/rich', '1', rich);
      const wishes = [
        wish,
        registry.add('lab/below', '1', await richImage({ layers: 2 })),
        registry.add('lab/other', '1', alone),
      ];
      const { status, stderr } = await site.convertHere(wishes, ['--allow-privileged', '--chains']);
      assert.equal(status, 0, stderr);
      victim = new Victim(site, wish.replace('http://', ''), rich);
      const other = new Victim(site, `${registry.host}/lab/other:1`, alone);
      whole = await wholeOf(site);
      const trees = [other.flat(), other.layer(0), other.chain(0)];
      others = [...whole.keys()].filter((path) => trees.some((tree) => path.startsWith(`${tree}/`)));
      for (const round of roundsOf(ways, victim)) {
        let done: Promise<Round> | undefined;
        for (const way of round) rounds.set(way, async () => await (done ??= breakAndMend(round)));
      }
    });
    after(async () => {
      await registry.close();
      await site.close();
    });

    it('begin with a repository in which nothing is wrong', async () => {
      const { status, images, verified } = await verify(site, '--deep');
      assert.deepEqual([status, images, verified], [0, [], 3]);
    });

    for (const way of ways) {
      it(`are found and repaired: ${way.what}`, async () => {
        const { paths, found, repaired, again, left, touched } = await roundOf(way);
        const findings = found.images.flatMap((image) => image.findings);
        const shown = findings.map((one) => `${one.kind} ${one.path}`);
        const expected = `${way.kind} ${displayPath(paths.get(way) ?? '')}`;
        assert.ok(shown.includes(expected), `${expected} is not among\n${shown.join('\n')}`);
        assert.equal(found.status, 1, found.stderr);
        const outcomes = new Set(repaired.images.map(({ outcome }) => outcome));
        assert.deepEqual(
          [repaired.status, [...outcomes]],
          [0, ['repaired']],
          JSON.stringify(repaired, undefined, 1),
        );
        assert.deepEqual([again.status, again.images], [0, []]);
        assert.deepEqual(left, []);
        assert.deepEqual(touched, []);
      });
    }

    it('are left where somebody put a folder in the place of a public link', async () => {
      const at = victim.at(victim.name);
      becomeFolder(at);
      addFile(join(at, 'file'));
      const kept = await verify(site, '--repair');
      assert.equal(kept.status, 1);
      assert.deepEqual(
        kept.images.map(({ image, outcome, failure }) => [image, outcome, failure?.code]),
        [[victim.name, 'damaged', 'repository-conflict']],
      );
      assert.ok(existsSync(join(at, 'file')));
      remove(at);
      assert.equal((await verify(site, '--repair')).status, 0);
      assert.deepEqual(differences(await wholeOf(site), whole), []);
    });

    async function roundOf(way: Way): Promise<Round> {
      const round = rounds.get(way);
      assert.ok(round !== undefined);
      return await round();
    }

    async function breakAndMend(round: readonly Way[]): Promise<Round> {
      const deep = round.some(({ isOfContent }) => isOfContent === true) ? ['--deep'] : [];
      const paths = new Map(round.map((way) => [way, way.path(victim)]));
      // A revision of the double is a copy of the one before.
      const untouched = identities(site, kind === 'directory' ? others : []);
      for (const [way, path] of paths) way.break(victim.at(path), victim);
      const found = await verify(site, ...deep);
      const repaired = await verify(site, '--repair', ...deep);
      const again = await verify(site, ...deep);
      const left = differences(await wholeOf(site), whole);
      const now = identities(site, kind === 'directory' ? others : []);
      return {
        paths,
        found,
        repaired,
        again,
        left,
        touched: now.filter((line, at) => line !== untouched[at]),
      };
    }
  });
}

/** Some ways at once, and what became of them. */
interface Round {
  /** Where each of them shows. */
  readonly paths: ReadonlyMap<Way, string>;
  readonly found: Verified;
  readonly repaired: Verified;
  readonly again: Verified;
  /** Differences from before. */
  readonly left: readonly string[];
  /** Inodes of another image that changed. */
  readonly touched: readonly string[];
}

for (const kind of BACKENDS) {
  describeWith(
    neededOf(kind),
    `e2e/verify: ways to break an image for several architectures, backend ${kind}`,
    () => {
      let site: Site;
      let registry: TestRegistry;
      let victim: Victim;
      let whole: Snapshot;
      before(async () => {
        site = await Site.make(kind);
        registry = await TestRegistry.start();
        const members = ['amd64', 'arm64'].map(async (architecture) => {
          const layers = [await layer([file('says', architecture)])];
          const platform = { os: 'linux', architecture };
          return { image: image({ layers, config: platform }), platform };
        });
        const index = await Promise.all(members);
        const wish = registry.add('lab/tool', '1', imageIndex(index));
        const words = ['--platforms', 'linux/amd64,linux/arm64'];
        const { status, stderr } = await site.convertHere([wish], words);
        assert.equal(status, 0, stderr);
        const [own] = index;
        assert.ok(own !== undefined);
        victim = new Victim(site, wish.replace('http://', ''), own.image);
        whole = await wholeOf(site);
      });
      after(async () => {
        await registry.close();
        await site.close();
      });

      for (const way of MULTIARCH_WAYS.filter(({ only }) => only === undefined || only === kind)) {
        it(`are found and repaired: ${way.what}`, async () => {
          const path = way.path(victim);
          way.break(victim.at(path), victim);
          const found = await verify(site);
          const shown = found.images.flatMap(({ findings }) =>
            findings.map((one) => `${one.kind} ${one.path}`),
          );
          assert.ok(
            shown.includes(`${way.kind} ${path}`),
            `${way.kind} ${path} is not among ${shown.join('\n')}`,
          );
          const repaired = await verify(site, '--repair');
          assert.equal(repaired.status, 0, JSON.stringify(repaired, undefined, 1));
          assert.deepEqual((await verify(site)).images, []);
          assert.deepEqual(differences(await wholeOf(site), whole), []);
        });
      }
    },
  );
}

for (const kind of BACKENDS) {
  describeWith(neededOf(kind), `e2e/verify: unpackd verify, backend ${kind}`, () => {
    const IMAGES = 100;
    let site: Site;
    let registry: TestRegistry;
    before(async () => {
      site = await Site.make(kind);
      registry = await TestRegistry.start();
      const base = await layer([directory('etc'), file('etc/base', 'below all of them\n')]);
      const wishes: string[] = [];
      for (let tag = 0; tag < IMAGES; tag++) {
        const own = await layer([directory('etc'), file('etc/release', `image ${tag}\n`)]);
        wishes.push(registry.add('lab/tool', String(tag), image({ layers: [base, own] })));
      }
      const { status, stderr } = await site.convertHere(wishes);
      assert.equal(status, 0, stderr);
    });
    after(async () => {
      await registry.close();
      await site.close();
    });

    it(`finds nothing where ${IMAGES} images are as they should be, and fetches nothing`, async () => {
      registry.requests();
      const { status, images, verified } = await verify(site);
      assert.deepEqual([status, images, verified], [0, [], IMAGES]);
      assert.deepEqual(registry.blobRequests(), []);
    });

    it('says since when an image is damaged, also beside a daemon, and looks at those that it was told', async () => {
      const name = `${registry.host}/lab/tool:7`;
      rmSync(site.path(name));
      const [first] = (await verify(site, name)).images;
      const daemon = await lockState(site.state);
      try {
        const [again] = (await verify(site, `http://${name}`)).images;
        assert.deepEqual(again, first);
        const { status, stdout } = await runHere(['verify', REPOSITORY, name, ...site.options]);
        assert.equal(status, 1);
        assert.match(
          stdout,
          /^damaged {3}\S+:7, known since .*\n {2}\S+:7: metadata: .*\n1 image verified in .*: 1 damaged\n$/,
        );
        assert.equal((await verify(site, `${registry.host}/lab/tool:8`)).status, 0);
        const repaired = await verify(site, '--repair', name);
        assert.deepEqual([repaired.status, repaired.images.map(({ outcome }) => outcome)], [0, ['repaired']]);
      } finally {
        daemon.release();
      }
    });

    const refused: [
      what: string,
      words: (host: string) => readonly string[],
      status: number,
      stderr: RegExp,
    ][] = [
      [
        'an image that is not published',
        (host) => [REPOSITORY, `${host}/lab/tol:1`],
        2,
        /^error\[argument-unknown\] .*did you mean/m,
      ],
      [
        'a repository that nobody knows',
        () => ['images.unpackd.tset'],
        2,
        /^error\[argument-unknown\] .*did you mean/m,
      ],
      ['no repository', () => [], 2, /^error\[usage\]/m],
    ];
    for (const [what, words, expected, message] of refused)
      it(`refuses ${what}`, async () => {
        const { status, stderr } = await runHere(['verify', ...words(registry.host), ...site.options]);
        assert.equal(status, expected, stderr);
        assert.match(stderr, message);
      });

    it('cannot tell anything of a repository that is gone', async () => {
      const state = ['--state', site.state, '--backend', 'directory', '--progress', 'none'];
      const { status, stderr } = await runHere([
        'verify',
        REPOSITORY,
        '--root',
        join(site.folder, 'none'),
        ...state,
      ]);
      assert.equal(status, 3, stderr);
      assert.match(stderr, /^error\[repository-unusable\]/m);
    });
  });
}
