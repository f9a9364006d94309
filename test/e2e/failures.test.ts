import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../../core/oci/digest.ts';
import { faults } from '../support/cvmfs-server/fixture.ts';
import { richImage, smallImage } from '../support/e2e/images.ts';
import { withMount } from '../support/e2e/mounts.ts';
import { ordinaryUser } from '../support/e2e/ordinary-user.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, REPOSITORY, Site } from '../support/e2e/site.ts';
import { MAIN, Running, environmentOf, run } from '../support/e2e/unpackd.ts';
import { descriptorOf, jsonBlob } from '../support/images/blob.ts';
import { image, type Image } from '../support/images/image.ts';
import { file } from '../support/images/layer-entry.ts';
import { layer, type Layer } from '../support/images/layer.ts';
import { freePort } from '../support/loopback.ts';
import { temporaryDirectory } from '../support/setup.ts';
import { snapshot } from '../support/trees/snapshot.ts';
import { openState } from '../../daemon/state/open-state.ts';

/** A layer that is cut off before it was pushed: its digest is that of what is there. */
async function truncatedLayer(): Promise<Layer> {
  const whole = await layer([file('large', Buffer.alloc(200_000, 'text that is long enough '))]);
  const bytes = whole.bytes.subarray(0, whole.bytes.length - 100);
  const digest: Digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return { ...whole, bytes, size: bytes.length, digest };
}

/** An image whose manifest names a layer in a form that nobody unpacks. */
async function encryptedImage(): Promise<Image> {
  const plain = await smallImage('encrypted');
  const manifest = JSON.parse(plain.manifest.bytes.toString('utf8'));
  manifest.layers[0].mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted';
  return { ...plain, manifest: jsonBlob(plain.manifest.mediaType, manifest) };
}

for (const kind of BACKENDS) {
  describe(`e2e/failures: unpackd convert, backend ${kind}: a batch in which images fail`, () => {
    let registry: TestRegistry;
    let site: Site;
    let wishes: Record<'unknown' | 'dead' | 'wrong' | 'truncated' | 'encrypted' | 'first' | 'second', string>;
    let bad: readonly string[];
    before(async () => {
      registry = await TestRegistry.start();
      site = await Site.make(kind);
      const good = await richImage({ layers: 2 });
      const wrong = image({ layers: [await layer([file('wrong', 'what was pushed')])] });
      const first = registry.add('lab/good', 'first', good);
      const second = registry.add('lab/good', 'second', await richImage({ layers: 1 }));
      wishes = {
        unknown: `http://${registry.host}/lab/good:no-such-tag`,
        dead: `http://127.0.0.1:${await freePort()}/lab/good:1`,
        first,
        wrong: registry.add('lab/wrong', '1', wrong),
        truncated: registry.add('lab/truncated', '1', image({ layers: [await truncatedLayer()] })),
        encrypted: registry.add('lab/encrypted', '1', await encryptedImage()),
        second,
      };
      const [layerOfWrong] = wrong.layers;
      assert.ok(layerOfWrong !== undefined && 'bytes' in layerOfWrong);
      const other = Buffer.from(layerOfWrong.bytes).map((byte) => byte ^ 1);
      registry.store.addBlob('lab/wrong', { ...descriptorOf(layerOfWrong), bytes: Buffer.from(other) });
      bad = [wishes.unknown, wishes.dead, wishes.wrong, wishes.truncated, wishes.encrypted];
    });
    after(async () => {
      await registry.close();
      await site.close();
    });

    const CODES = {
      unknown: 'tag-unknown',
      dead: 'registry-unreachable',
      wrong: 'digest-mismatch',
      truncated: 'layer-corrupt',
      encrypted: 'media-type-unsupported',
    } as const;
    const nameOf = (wish: string): string => wish.replace('http://', '');

    it('publishes the good ones, and has one clear line for each of the others', async () => {
      const { status, stdout, stderr } = await site.convert(Object.values(wishes));
      assert.equal(status, 1, stderr);
      const errors = stderr.split('\n').filter((line) => line.startsWith('error'));
      assert.equal(errors.length, 5, stderr);
      for (const key of ['unknown', 'dead', 'wrong', 'truncated', 'encrypted'] as const) {
        const name = nameOf(wishes[key]);
        const lines = errors.filter((line) => line.startsWith(`error[${CODES[key]}] ${name}: `));
        assert.equal(lines.length, 1, stderr);
        assert.match(lines[0] ?? '', /; \S+/, 'a hint');
        assert.ok(stdout.includes(`failed    ${name} ${CODES[key]}\n`), stdout);
      }
      for (const wish of [wishes.first, wishes.second]) {
        assert.ok(stdout.includes(`published ${nameOf(wish)} `), stdout);
        assert.equal(
          readFileSync(site.path(`${nameOf(wish)}/usr/bin/tool`), 'utf8'),
          '#!/bin/sh\necho tool\n',
        );
      }
    });

    it('shows nothing of the bad ones', () => {
      for (const wish of bad) {
        assert.equal(existsSync(site.path(nameOf(wish))), false, wish);
        assert.equal(existsSync(site.path(`.metadata/${nameOf(wish)}`)), false, wish);
      }
      const counts = ['.layers', '.flat'].map((folder) =>
        readdirSync(site.path(folder)).flatMap((two) => readdirSync(site.path(`${folder}/${two}`))),
      );
      assert.deepEqual(
        counts.map(({ length }) => length),
        [2, 2],
      );
    });

    it('fails the same next time, and tells it as JSON', async () => {
      const { status, stdout } = await site.convert(Object.values(wishes), ['--json']);
      assert.equal(status, 1);
      const { images, publications, problems, repositories } = JSON.parse(stdout);
      assert.deepEqual([publications, problems, repositories], [0, [], [REPOSITORY]]);
      const found = images.map(({ image: name, outcome, code }: Record<string, string>) => [
        name,
        code ?? outcome,
      ]);
      assert.deepEqual(
        found,
        Object.entries(wishes).map(([key, wish]) => [
          nameOf(wish),
          { ...CODES, first: 'unchanged', second: 'unchanged' }[key],
        ]),
      );
      for (const { outcome, message, hint } of images) {
        if (outcome === 'failed') assert.ok(message !== '' && hint !== '' && hint !== undefined);
      }
    });

    it('publishes a bad one when it has become good', async () => {
      const repaired = registry.store.image('lab/wrong', '1')?.layers[0];
      assert.ok(repaired !== undefined);
      registry.store.addBlob('lab/wrong', repaired);
      const { status } = await site.convert([wishes.wrong]);
      assert.equal(status, 0);
      assert.equal(readFileSync(site.path(`${nameOf(wishes.wrong)}/wrong`), 'utf8'), 'what was pushed');
    });
  });
}

describe('e2e/failures: unpackd convert: what was written wrong', () => {
  let registry: TestRegistry;
  let site: Site;
  before(async () => {
    registry = await TestRegistry.start();
    site = await Site.make('directory');
  });
  after(async () => registry.close());

  const RECIPES: readonly (readonly [what: string, text: string, line: number | undefined])[] = [
    ['no YAML', 'version: 1\ncvmfs_repo: [\n', 3],
    ['no mapping', '- version\n', 1],
    ['without a repository', 'version: 1\ninput: []\n', 1],
    ['of another version', '\nversion: 3\ncvmfs_repo: x\ninput: []\n', 2],
    ['with an input that is no list', 'version: 1\ncvmfs_repo: x\ninput: x\n', 3],
  ];
  for (const [what, text, line] of RECIPES) {
    it(`a recipe that is ${what}: exit 2, with its place`, async () => {
      const recipe = join(site.folder, 'bad.yaml');
      writeFileSync(recipe, text);
      const { status, stdout, stderr } = await run(['convert', recipe, ...site.options]);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, /^error\[recipe-(?:invalid|unreadable)\] [^\n]*; [^\n]+\n$/);
      assert.ok(stderr.includes(`${recipe}:${line}`), stderr);
      assert.equal(existsSync(site.root), false);
    });
  }

  it('a recipe that is not there: exit 2', async () => {
    const { status, stderr } = await run(['convert', '/no/such/recipe.yaml', ...site.options]);
    assert.equal(status, 2);
    assert.match(stderr, /^error\[recipe-unreadable\] .*\/no\/such\/recipe\.yaml/);
  });

  it('one line of a recipe: it counts as a failed image, with its place, and the rest is published', async () => {
    const good = registry.add('lab/good', '1', await smallImage('good'));
    const { status, stdout, stderr } = await site.convert(['https://', good, 'registry.example/UPPER:1']);
    assert.equal(status, 1);
    const errors = stderr.split('\n').filter((line) => line.startsWith('error'));
    assert.equal(errors.length, 2);
    for (const [index, line] of [4, 6].entries()) {
      assert.match(errors[index] ?? '', /^error\[reference-invalid\] /);
      assert.ok(new RegExp(`recipe-\\d+\\.yaml:${line}\\b`).test(errors[index] ?? ''), errors[index]);
    }
    assert.match(stdout, /^published .*lab\/good:1 /m);
    assert.equal(stdout.match(/^failed /gm)?.length, 2);
  });

  const USAGES: readonly (readonly [what: string, words: readonly string[]])[] = [
    ['no command', []],
    ['an unknown command', ['konvert', 'recipe.yaml']],
    ['an unknown option', ['convert', 'recipe.yaml', '--skip-flats']],
    ['no argument', ['convert']],
    ['a value that is none', ['convert', 'recipe.yaml', '--downloads', 'many']],
    ['a backend that does not exist', ['convert', 'recipe.yaml', '--backend', 's3']],
    ['an image that is none', ['convert-single-image', 'UPPER', REPOSITORY]],
    ['a repository that is no name', ['convert-single-image', 'docker.io/library/debian:12', '../x']],
  ];
  for (const [what, words] of USAGES) {
    it(`the command line, with ${what}: exit ${what.startsWith('an image') ? 1 : 2}`, async () => {
      const { status, stdout, stderr } = await run(words);
      assert.equal(status, what.startsWith('an image') ? 1 : 2);
      assert.equal(stdout, '');
      assert.notEqual(stderr, '');
    });
  }
});

describe('e2e/failures: the status after commands that failed', () => {
  let registry: TestRegistry;
  let site: Site;
  before(async () => {
    registry = await TestRegistry.start();
    registry.add('lab/app', '1', await smallImage('app'));
  });
  after(async () => registry.close());
  beforeEach(async () => {
    site = await Site.make('directory');
  });

  async function failing(): Promise<[status: number | undefined, images: string[]]> {
    const { status, stdout } = await site.command(['status', '--json']);
    const { repositories }: { repositories: { failing: { image: string }[] }[] } = JSON.parse(stdout);
    return [status, repositories.flatMap((one) => one.failing.map(({ image: name }) => name))];
  }

  it('does not have what convert-single-image was told wrongly', async () => {
    const typo = `${registry.host}/lab/app:typo`;
    const words = ['convert-single-image', `http://${typo}`, REPOSITORY];
    assert.equal((await site.command(words)).status, 1);
    assert.deepEqual(await failing(), [0, []]);
  });

  it('has what the recipe of the last run asks for, and what it asked for before no more', async () => {
    const typo = `${registry.host}/lab/app:typo`;
    assert.equal((await site.convert([`http://${typo}`])).status, 1);
    assert.deepEqual(await failing(), [1, [typo]]);
    assert.equal((await site.convert([`http://${registry.host}/lab/app:1`])).status, 0);
    assert.deepEqual(await failing(), [0, []]);
  });
});

describe('e2e/failures: unpackd convert: what cannot be used', () => {
  let registry: TestRegistry;
  let wish: string;
  before(async () => {
    registry = await TestRegistry.start();
    wish = registry.add('lab/app', '1', await richImage({ layers: 1 }));
  });
  after(async () => registry.close());
  beforeEach(() => {
    registry.requests();
  });

  /** The one line that says why nothing could be published at all. */
  function assertUnusable(outcome: { status: number | undefined; stderr: string }, code: string): void {
    assert.equal(outcome.status, 3, outcome.stderr);
    assert.match(outcome.stderr, new RegExp(`^error\\[${code}\\] [^\\n]*; [^\\n]+$`, 'm'));
  }

  it('a repository that cvmfs_server does not know: exit 3, and no blob is asked for', async () => {
    const site = await Site.make('cvmfs');
    try {
      const outcome = await run(['convert', site.recipe([wish], 'unknown.unpackd.test'), ...site.options]);
      assertUnusable(outcome, 'repository-unusable');
      assert.deepEqual(registry.blobRequests(), []);
      assert.deepEqual(site.fixture?.calls(), []);
    } finally {
      await site.close();
    }
  });

  it('a machine without cvmfs_server: exit 3, nothing changed', async () => {
    const site = await Site.make('cvmfs');
    try {
      const outcome = await site.convert([wish], ['--cvmfs-server', '/no/such/cvmfs_server']);
      assertUnusable(outcome, 'repository-unusable');
      assert.equal(site.fixture?.publications(REPOSITORY), 0);
    } finally {
      await site.close();
    }
  });

  it('a release manager that is not the user\u2019s: exit 3', async function () {
    const user = await ordinaryUser(this);
    const site = await Site.make('cvmfs');
    try {
      for (const folder of [site.fixture?.top ?? '', site.folder]) chmodSync(folder, 0o755);
      const state = await user.directory();
      const words = ['convert', site.recipe([wish]), ...site.options, '--state', state];
      const outcome = await new Running(user.start(MAIN, words, environmentOf({}))).ended();
      assertUnusable(outcome, 'repository-unusable');
    } finally {
      await site.close();
    }
  });

  it('a directory that is not the user\u2019s: exit 3', async function () {
    const user = await ordinaryUser(this);
    const site = await Site.make('directory');
    chmodSync(site.folder, 0o755);
    mkdirSync(site.root);
    const words = ['convert', site.recipe([wish]), ...site.options, '--state', await user.directory()];
    const outcome = await new Running(user.start(MAIN, words, environmentOf({}))).ended();
    assertUnusable(outcome, 'repository-unusable');
    assert.deepEqual(registry.blobRequests(), []);
    assert.deepEqual(readdirSync(site.root), []);
  });

  it('a state directory that is not the user\u2019s: exit 3', async function () {
    const user = await ordinaryUser(this);
    const site = await Site.make('directory');
    chmodSync(site.folder, 0o755);
    mkdirSync(site.state);
    const words = ['convert', site.recipe([wish]), ...site.options, '--root', await user.directory()];
    const outcome = await new Running(user.start(MAIN, words, environmentOf({}))).ended();
    assertUnusable(outcome, 'state-unusable');
  });

  it('a state directory that is a file: exit 3', async () => {
    const site = await Site.make('directory');
    writeFileSync(site.state, '');
    assertUnusable(await site.convert([wish]), 'state-unusable');
  });

  it('everything, by an ordinary user who owns it: exit 0, and a warning for each kind of what was not kept', async function () {
    const user = await ordinaryUser(this);
    const site = await Site.make('directory');
    chmodSync(site.folder, 0o755);
    const root = await user.directory();
    const words = [
      'convert',
      site.recipe([wish]),
      ...site.options,
      '--root',
      root,
      '--state',
      join(root, 'state'),
    ];
    for (const again of [[], ['--convert-again', '--overwrite-layers']]) {
      const running = new Running(user.start(MAIN, [...words, ...again], environmentOf({})));
      const { status, stderr } = await running.ended();
      assert.equal(status, 0, stderr);
      const warnings = stderr.split('\n').filter((line) => line.startsWith('warning: '));
      const kinds = [
        /: the owners of \d+ paths /,
        /: extended attributes of 1 path /,
        /: 2 devices are left out/,
      ];
      assert.equal(warnings.length, kinds.length, stderr);
      kinds.forEach((kind, index) => assert.match(warnings[index] ?? '', kind));
    }
    const tree = await snapshot(join(root, REPOSITORY, `${registry.host}/lab/app:1/`));
    assert.match(tree.get('usr/bin/setuid') ?? '', /^file 0755 65534:65534 /);
    assert.match(tree.get('opt/locked') ?? '', /^directory 0555 65534:65534$/);
  });

  /** What fails alone has a line with what it needs and what is free; what fits is published. */
  async function assertOnlyFits(
    site: Site,
    { small, large, words = [] }: { small: string; large: string; words?: readonly string[] },
  ): Promise<void> {
    const { status, stdout, stderr } = await site.convert([large, small], words);
    assert.equal(status, 1, stderr);
    const name = large.replace('http://', '');
    const [line = '', ...others] = stderr.split('\n').filter((one) => one.startsWith('error'));
    assert.ok(line.startsWith(`error[disk-full] ${name}: `), stderr);
    assert.match(line, /\d [kM]B\b.*\d ?(?:B|kB|KiB)\b.*; /);
    assert.deepEqual(others, []);
    assert.match(stdout, new RegExp(`^published ${small.replace('http://', '')} `, 'm'));
    assert.match(stdout, new RegExp(`^failed +${name} disk-full$`, 'm'));
    assert.equal(existsSync(site.path(name)), false);
  }

  for (const kind of BACKENDS) {
    it(`a disk that is too small for an image in the spool, backend ${kind}: it fails alone, before its download`, async function () {
      const site = await Site.make(kind);
      mkdirSync(site.state);
      try {
        await withMount(this, site.state, { type: 'tmpfs', options: 'size=320k' }, async () => {
          const large = registry.add('lab/large', '1', await incompressibleImage());
          const small = registry.add('lab/small', '1', await smallImage('small'));
          await assertOnlyFits(site, { small, large });
          assert.deepEqual(
            registry.blobRequests().filter((request) => request.includes('lab/large')),
            [],
          );
          assert.deepEqual(readdirSync(join(site.state, 'spool', 'tmp')), []);
        });
      } finally {
        await site.close();
      }
    });
  }

  it('a spool-size that is too small for an image: it fails alone', async () => {
    const site = await Site.make('directory');
    const large = registry.add('lab/large', '1', await incompressibleImage());
    const small = registry.add('lab/small', '1', await smallImage('small'));
    await assertOnlyFits(site, { small, large, words: ['--spool-size', '128KiB'] });
  });

  it('a full disk for the listings of layers: what needs one fails alone', async function () {
    const site = await Site.make('directory');
    mkdirSync(site.state);
    await withMount(this, site.state, { type: 'tmpfs', options: 'size=4k' }, async () => {
      const spool = await temporaryDirectory('spool');
      const { status, stderr } = await site.convert([wish], ['--temporary-dir', spool]);
      assert.equal(status, 1, stderr);
      assert.match(stderr, /^error\[disk-full\] .*lab\/app:1: .* free\); /m);
      assert.match(stderr, /^warning: .*unpackd\.db.* nothing is recorded/m);
    });
  });

  it('a full disk for the repository: what fits is published, in one go with others where it can', async function () {
    const site = await Site.make('directory');
    mkdirSync(site.root);
    await withMount(this, site.root, { type: 'tmpfs', options: 'size=900k' }, async () => {
      const large = registry.add('lab/large', '1', await incompressibleImage('', 32_768));
      const smalls = await Promise.all(
        ['a', 'b', 'c', 'd', 'e'].map(async (name) =>
          registry.add('lab/small', name, await smallImage(name)),
        ),
      );
      const { status, stdout, stderr } = await site.convert([large, ...smalls], ['--json']);
      assert.equal(status, 1, stderr);
      const { images, publications } = JSON.parse(stdout);
      assert.deepEqual(
        images.map(({ outcome, code }: Record<string, string>) => code ?? outcome),
        ['disk-full', ...smalls.map(() => 'published')],
      );
      assert.match(images[0].message, /^no room for 1\.\d MB in .*\(\d+\.\d kB free\): nothing has changed$/);
      assert.ok(publications <= 3, String(publications));
      assert.deepEqual(readdirSync(join(site.root, `.unpackd-${REPOSITORY}`)), ['lock']);
      const before = await snapshot(site.published, { directoryTimes: true });
      await assertOnlyFits(site, { small: registry.add('lab/small', 'f', await smallImage('f')), large });
      assert.notDeepEqual(await snapshot(site.published, { directoryTimes: true }), before);
    });
  });

  it('a repository without any room: few publications are tried, and nothing changed', async function () {
    const site = await Site.make('directory');
    mkdirSync(site.root);
    await withMount(this, site.root, { type: 'tmpfs', options: 'size=320k' }, async () => {
      writeFileSync(join(site.root, 'filler'), Buffer.alloc(190_000));
      const images = await Promise.all(
        Array.from({ length: 16 }, async (_, index) =>
          registry.add('lab/many', String(index), await incompressibleImage(`${index}`)),
        ),
      );
      const { status, stdout } = await site.convert(images, ['--json']);
      assert.equal(status, 1);
      const report: { images: { code: string }[] } = JSON.parse(stdout);
      assert.ok(report.images.every(({ code }) => code === 'disk-full'));
      const state = await openState(site.state, assert.fail);
      const tried = await state.publications.last(REPOSITORY, 99);
      await state.close();
      assert.equal(existsSync(site.path(registry.host)), false);
      assert.ok(tried.length <= 5, `${tried.length} for 16 images`);
    });
  });

  it('a server without room: it is a full disk, with what is needed', async () => {
    const site = await Site.make('cvmfs');
    try {
      site.fixture?.inject(faults['no-room']);
      const { status, stderr } = await site.convert([wish]);
      assert.equal(status, 1, stderr);
      assert.match(
        stderr,
        /^error\[disk-full\] .*lab\/app:1: no room for \d.* in .* \(\d.* free\)(?: or .*)?: nothing has changed; /m,
      );
    } finally {
      await site.close();
    }
  });
});

async function incompressibleImage(seed = '', blocks = 8192): Promise<Image> {
  const noise = Buffer.concat(
    Array.from({ length: blocks }, (_, index) => createHash('sha256').update(`${seed} ${index}`).digest()),
  );
  return image({ layers: [await layer([file('noise', noise)])] });
}
