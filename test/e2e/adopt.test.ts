import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { flatPath } from '../../publisher/image/layout.ts';
import {
  byDigest,
  byPlatform,
  byTag,
  duccImage,
  DuccRepository,
  type DuccImage,
} from '../support/ducc/repository.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, REPOSITORY, Site } from '../support/e2e/site.ts';
import { runHere, start, type OutcomeHere } from '../support/e2e/unpackd.ts';
import { imageIndex } from '../support/images/image.ts';
import { directory, file, opaque, symlink, whiteout } from '../support/images/layer-entry.ts';
import { differences, snapshot, type Snapshot } from '../support/trees/snapshot.ts';
import { needsRoot } from '../support/programs.ts';

interface Report {
  readonly flaws: Readonly<Record<string, number>>;
  readonly images: readonly {
    readonly name: string;
    readonly madeBy?: string;
    readonly outcome: string;
    readonly code?: string;
  }[];
}

const BASE = [
  directory('etc'),
  file('etc/release', 'base\n', { mode: 0o640, mtime: 981_173_106 }),
  directory('opt'),
  directory('opt/data'),
  file('opt/data/1', 'one\n'),
  file('opt/data/2', 'two\n'),
  directory('opt/gone'),
  file('opt/gone/file', 'gone\n'),
  file('opt/tool', 'set-uid\n', { mode: 0o755 }),
  symlink('opt/link', 'data'),
  directory('opt/private', { mode: 0o750 }),
  directory('opt/private/inner', { mode: 0o1777 }),
];
const TOP = [
  directory('opt'),
  directory('opt/data'),
  whiteout('opt/data/1'),
  whiteout('opt/gone'),
  file('etc/release', 'top\n'),
];
const OTHER = [directory('opt'), directory('opt/data'), opaque('opt/data'), file('opt/data/3', 'three\n')];

for (const kind of BACKENDS) {
  describe(`e2e/adopt: unpackd adopt, backend ${kind}`, () => {
    let registry: TestRegistry;
    let site: Site;
    let base: DuccImage;
    let top: DuccImage;
    let other: DuccImage;

    before(async () => {
      [base, top, other] = await Promise.all([
        duccImage([BASE]),
        duccImage([BASE, TOP], { config: { Cmd: ['/opt/tool'] } }),
        duccImage([BASE, OTHER]),
      ]);
    });

    beforeEach(async () => {
      registry = await TestRegistry.start();
      site = await Site.make(kind);
    });
    afterEach(async () => {
      await registry.close();
      await site.close();
    });

    /** Lets DUCC write to the repository. */
    function asDucc(work: (repository: DuccRepository) => void): void {
      const root = join(site.root, REPOSITORY);
      mkdirSync(root, { recursive: true });
      server('transaction');
      work(new DuccRepository(root));
      server('publish');
    }

    function server(verb: string): void {
      if (site.fixture === undefined) return;
      const { status, stderr } = spawnSync(site.fixture.command, [verb, REPOSITORY], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    }

    /** The three images as DUCC publishes them, and the registry has them. */
    function publishAll(): string[] {
      const images = { base, top, other };
      const wishes = Object.entries(images).map(([tag, one]) => registry.add('lab/tool', tag, one.image));
      asDucc((repository) => {
        for (const [tag, one] of Object.entries(images)) repository.publish(one, byTag(nameOf(tag)));
      });
      return wishes;
    }

    function nameOf(tag: string): string {
      return `${registry.host}/lab/tool:${tag}`;
    }

    async function adopt(...words: string[]): Promise<{ outcome: OutcomeHere; report: Report }> {
      const outcome = await runHere(['adopt', REPOSITORY, '--json', ...site.options, ...words]);
      return { outcome, report: JSON.parse(outcome.stdout) as Report };
    }

    function outcomes({ images }: Report): Record<string, string> {
      return Object.fromEntries(images.map(({ name, outcome }) => [name, outcome]));
    }

    function seen(name: string, path: string): string {
      return readFileSync(site.path(`${name}/${path}`), 'utf8');
    }

    it('says what is wrong, and changes nothing when dry', async () => {
      publishAll();
      const before = await snapshot(site.published);
      const { outcome, report } = await adopt('--dry-run');
      assert.equal(outcome.status, 0, outcome.stderr);
      assert.deepEqual(report.flaws, {
        'manifest-rewritten': 3,
        'layer-foreign': 3,
        'whiteouts-literal': 2,
        'chain-foreign': 3,
        'flat-foreign': 3,
        'start-up-missing': 3,
        'store-foreign': 1,
      });
      assert.deepEqual(outcomes(report), {
        [nameOf('base')]: 'to-adopt',
        [nameOf('other')]: 'to-adopt',
        [nameOf('top')]: 'to-adopt',
      });
      assert.deepEqual(differences(await snapshot(site.published), before), []);
      assert.deepEqual(registry.requests(), []);
    });

    it('makes everything as a first publication does', async function () {
      // Directories that exist keep their attributes there, unless root changes them in the union mount.
      if (kind === 'cvmfs') needsRoot(this);
      const wishes = publishAll();
      const { outcome, report } = await adopt();
      assert.equal(outcome.status, 0, outcome.stderr);
      assert.ok(report.images.every((one) => one.outcome === 'adopted'));
      const fresh = await Site.make(kind);
      try {
        const { status, stderr } = await fresh.convert(wishes, ['--chains']);
        assert.equal(status, 0, stderr);
        assert.deepEqual(differences(await imagesOf(site), await imagesOf(fresh)), []);
      } finally {
        await fresh.close();
      }
      if (site.fixture !== undefined) assert.deepEqual(site.fixture.problems(REPOSITORY), []);
    });

    it('has nothing to do afterwards, and neither has convert', async () => {
      const wishes = publishAll();
      await adopt();
      const again = await adopt();
      assert.deepEqual(again.report.flaws, {});
      assert.ok(again.report.images.every((one) => one.outcome === 'unchanged'));
      const { stdout } = await site.convertHere(wishes);
      assert.match(stdout, /^(?:unchanged \S+ \S+\n){3}$/);
    });

    it('has its images collected like any others, with what DUCC left of its store', async () => {
      publishAll();
      await adopt();
      const removed = await site.commandHere(['remove', nameOf('*')]);
      assert.equal(removed.status, 0, removed.stderr);
      const marked = await site.commandHere(['gc', REPOSITORY]);
      assert.equal(marked.status, 0, marked.stderr);
      const store = (): string[] =>
        readdirSync(site.path('podmanStore/overlay')).filter((name) => /^[0-9a-f]{64}$/.test(name));
      assert.ok(store().length > 0);
      const { status, stdout, stderr } = await site.commandHere(['gc', REPOSITORY, '--grace-period', '0']);
      assert.equal(status, 0, stderr);
      assert.doesNotMatch(stdout, /not ours/);
      assert.deepEqual(store(), []);
      for (const folder of ['.layers', '.chains', '.flat'])
        assert.deepEqual(
          readdirSync(site.path(folder)).filter((name) => name !== '.cvmfscatalog'),
          [],
        );
    });

    it('goes on where it was killed, and every name has its tree meanwhile', async () => {
      const wishes = publishAll();
      const running = start(['adopt', REPOSITORY, ...site.options, '--batch-images', '1']);
      await running.until(() => running.stderr.includes('publication done'));
      running.child.kill('SIGKILL');
      await running.ended();
      for (const [tag, text] of Object.entries({ base: 'base\n', top: 'top\n', other: 'base\n' }))
        assert.equal(seen(nameOf(tag), 'etc/release'), text);
      const { outcome } = await adopt();
      assert.equal(outcome.status, 0, outcome.stderr);
      assert.deepEqual((await adopt('--dry-run')).report.flaws, {});
      const { stdout } = await site.convertHere(wishes);
      assert.match(stdout, /^(?:unchanged \S+ \S+\n){3}$/);
      if (site.fixture !== undefined) assert.deepEqual(site.fixture.problems(REPOSITORY), []);
    });

    it('keeps what a name means, although its tag has moved or is gone', async () => {
      publishAll();
      registry.add('lab/tool', 'top', base.image);
      registry.store.removeTag('lab/tool', 'other');
      const { outcome } = await adopt();
      assert.equal(outcome.status, 0, outcome.stderr);
      assert.equal(seen(nameOf('top'), 'etc/release'), 'top\n');
      assert.ok(!existsSync(site.path(`${nameOf('top')}/opt/data/1`)));
      assert.equal(seen(nameOf('other'), 'opt/data/3'), 'three\n');
      assert.deepEqual((await adopt('--dry-run')).report.flaws, {});
    });

    it('leaves an image as it is whose blobs no registry has, and adopts the others', async () => {
      asDucc((repository) => {
        repository.publish(base, byTag(nameOf('base')));
        repository.publish(top, byTag(nameOf('lost')));
      });
      registry.add('lab/tool', 'base', base.image);
      const tree = flatPath(configOf(top));
      const before = await snapshot(site.path(tree));
      const { outcome, report } = await adopt();
      assert.equal(outcome.status, 1);
      const lost = report.images.find(({ name }) => name === nameOf('lost'));
      assert.deepEqual([lost?.outcome, lost?.code], ['failed', 'blob-unknown']);
      assert.equal(outcomes(report)[nameOf('base')], 'adopted');
      assert.deepEqual(differences(await snapshot(site.path(tree)), before), []);
      assert.equal(readlinkSync(site.path(nameOf('lost'))).endsWith(tree), true);
    });

    it('leaves an image as it is of which something cannot be replaced at once, and adopts the others', async () => {
      publishAll();
      asDucc((repository) => repository.spoilFlat(top, 'etc/release'));
      const tree = flatPath(configOf(top));
      const before = await snapshot(site.path(tree));
      const { outcome, report } = await adopt();
      assert.equal(outcome.status, 1);
      const failed = report.images.filter((one) => one.outcome !== 'adopted');
      assert.deepEqual(
        failed.map(({ name, code }) => [name, code]),
        [[nameOf('top'), 'repository-conflict']],
      );
      assert.deepEqual(differences(await snapshot(site.path(tree)), before), []);
    });

    it('gives an image that DUCC has pinned its name, and keeps the other one', async () => {
      registry.add('lab/tool', 'base', base.image);
      const { digest } = base.image.manifest;
      const repository = `${registry.host}/lab/tool`;
      asDucc((ducc) => ducc.publish(base, byDigest(repository, digest)));
      const { outcome } = await adopt();
      assert.equal(outcome.status, 0, outcome.stderr);
      for (const name of [`${repository}@${digest}`, `${repository}:${digest}`])
        assert.equal(seen(name, 'etc/release'), 'base\n');
      assert.ok(!existsSync(site.path(`.metadata/${repository}/manifest.json`)));
      assert.deepEqual((await adopt('--dry-run')).report.flaws, {});
    });

    it('takes over the platforms of DUCC 2.14, whose manifests for linux/amd64 are in a folder of their own', async () => {
      const arm = await duccImage([BASE, OTHER], { architecture: 'arm64' });
      const platforms = { amd64: base, arm64: arm };
      const members = Object.entries(platforms).map(([architecture, one]) => ({
        image: one.image,
        platform: { os: 'linux', architecture },
      }));
      registry.add('lab/tool', '1', imageIndex(members));
      asDucc((ducc) => {
        for (const [folder, one] of Object.entries(platforms))
          ducc.publish(one, byPlatform(nameOf('1'), folder));
        ducc.link(nameOf('1'), `../../.multiarch/$(CVMFS_ARCH:-amd64)/${nameOf('1')}`);
      });
      const { outcome, report } = await adopt();
      assert.equal(outcome.status, 0, outcome.stderr);
      assert.equal(report.images.length, 2);
      const [amd64, arm64] = ['amd64', 'arm64'].map((folder) => `.multiarch/${folder}/${nameOf('1')}`);
      assert.equal(seen(amd64 ?? '', 'etc/release'), 'base\n');
      assert.equal(seen(arm64 ?? '', 'opt/data/3'), 'three\n');
      assert.ok(existsSync(site.path(`.metadata/${nameOf('1')}/manifest.json`)));
      assert.ok(!existsSync(site.path(`.metadata/.multiarch/amd64/${nameOf('1')}/manifest.json`)));
      if (kind === 'cvmfs') assert.match(readlinkSync(site.path(nameOf('1'))), /\$\(CVMFS_ARCH:-amd64\)/);
      assert.deepEqual((await adopt('--dry-run')).report.flaws, {});
    });

    it("leaves the OSG's images as they are, and says so", async () => {
      asDucc((repository) => repository.publishOfOsg('library/debian:12', 'twelve\n'));
      const before = await snapshot(site.published);
      const { outcome, report } = await adopt();
      assert.equal(outcome.status, 0, outcome.stderr);
      assert.deepEqual(
        report.images.map(({ name, madeBy, outcome: end }) => [name, madeBy, end]),
        [['library/debian:12', 'osg', 'left']],
      );
      assert.deepEqual(differences(await snapshot(site.published), before), []);
      const text = await runHere(['adopt', '--dry-run', REPOSITORY, ...site.options]);
      assert.match(text.stdout, /left as they are.*\n {2}library\/debian:12 \(of the OSG\)\n/);
    });

    it('says what it cannot read, and adopts the rest', async () => {
      publishAll();
      asDucc((repository) => repository.spoilManifest(nameOf('top')));
      const { outcome, report } = await adopt();
      assert.equal(outcome.status, 0, outcome.stderr);
      assert.deepEqual(report.flaws['manifest-unreadable'], 1);
      assert.equal(outcomes(report)[nameOf('top')], 'left');
      assert.equal(outcomes(report)[nameOf('base')], 'adopted');
    });
  });
}

function configOf({ image: { manifest } }: DuccImage): `sha256:${string}` {
  const { config } = JSON.parse(manifest.bytes.toString()) as { config: { digest: `sha256:${string}` } };
  return config.digest;
}

/** Trees, manifests and names, without what DUCC has beside them. */
async function imagesOf(site: Site): Promise<Snapshot> {
  const found = await snapshot(site.published, {
    directoryTimes: true,
    ignore: (path) =>
      /^(?:\.unpackd|podmanStore|new_repository|\.cvmfsdirtab)/.test(path) || path.endsWith('.cvmfscatalog'),
  });
  return new Map([...found].map(([path, line]) => [path, lineOf(path, line)]));
}

/** Files beside trees tell when they were published, and which image brought a layer first. */
function lineOf(path: string, line: string): string {
  if (/^\.(?:flat|chains)\/[^/]+\/[^/]+|\/layerfs/.test(path)) return line;
  if (line.startsWith('directory')) return line.replace(/ \d+$/, '');
  if (path.endsWith('/origin.json')) return line.replace(/^(file \S+ \S+) .*/, '$1');
  return line.replace(/^(file \S+ \S+ \d+) \d+/, '$1');
}
