import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { smallImage } from '../support/e2e/images.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { REPOSITORY, Site } from '../support/e2e/site.ts';
import { run, type Outcome } from '../support/e2e/unpackd.ts';
import { GitHttpServer } from '../support/git/http-server.ts';
import { recipeText, Upstream } from '../support/git/upstream.ts';
import { describeWith } from '../support/programs.ts';

const LOGIN = { user: 'robot', password: 'a-secret-of-a-test' };

describeWith(['git'], 'e2e/sources', () => {
  let registry: TestRegistry;
  let server: GitHttpServer;
  let upstream: Upstream;
  let site: Site;
  let inGit: string;
  let inFile: string;
  let inBoth: string;

  beforeEach(async function () {
    registry = await TestRegistry.start();
    site = await Site.make('directory');
    inGit = registry.add('lab/image', 'git', await smallImage('git'));
    inFile = registry.add('lab/image', 'file', await smallImage('file'));
    inBoth = registry.add('lab/image', 'both', await smallImage('both'));
    upstream = await Upstream.create();
    await upstream.push({ 'recipe.yaml': recipeText(inGit, inBoth) });
    server = await GitHttpServer.start(upstream.root, { login: LOGIN });
  });

  afterEach(async () => {
    await server.close();
    await registry.close();
  });

  async function unpackd(
    words: readonly string[],
    sources: readonly string[],
    settings: readonly string[] = [`repositories: ${REPOSITORY}`],
  ): Promise<Outcome> {
    const config = join(site.folder, 'unpackd.yaml');
    writeFileSync(config, [...settings, 'sources:', ...sources, ''].join('\n'));
    const environment = { SECRET_OF_A_TEST: LOGIN.password };
    return await run([...words, '--config', config, ...site.options], { environment });
  }

  const git = (): string[] => [
    `  - git: ${server.url}/${upstream.name}`,
    '    name: the list',
    `    username: ${LOGIN.user}`,
    '    password: env:SECRET_OF_A_TEST',
  ];
  const file = (): string[] => [`  - file: ${site.recipe([inFile, inBoth])}`];
  const nowhere = ['  - git: /nonexistent.git'];

  const isPublished = (image: string): boolean => existsSync(site.path(image.replace('http://', '')));

  /** The outcomes of images, in order. */
  const outcomes = ({ stdout }: Outcome): string[] =>
    stdout.split('\n').flatMap((line) => /^(\w+) +/.exec(line)?.[1] ?? []);

  it('publishes what all of them ask for, each image once', async () => {
    const outcome = await unpackd(['convert'], [...git(), ...file()]);
    assert.equal(outcome.status, 0, outcome.stderr);
    assert.deepEqual(outcomes(outcome), ['published', 'published', 'published']);
    for (const image of [inGit, inFile, inBoth]) assert.ok(isPublished(image), image);
  });

  it('goes on with what a source said last, and says since when', async () => {
    await unpackd(['convert'], [...git(), ...file()]);
    await server.close();
    const outcome = await unpackd(['convert'], [...git(), ...file()]);
    assert.equal(outcome.status, 0, outcome.stderr);
    assert.deepEqual(outcomes(outcome), ['unchanged', 'unchanged', 'unchanged']);
    assert.match(outcome.stderr, /^warning: .*the list.*\[source-unreachable\].* since \d{4}-/m);
  });

  it('fails for a source that never worked, and publishes what the others ask for', async () => {
    const outcome = await unpackd(['convert'], [...nowhere, ...file()]);
    assert.equal(outcome.status, 1, outcome.stderr);
    assert.match(outcome.stderr, /^error\[source-invalid\] .*\/nonexistent/m);
    assert.ok(isPublished(inFile));
  });

  it('is wrong where there are none', async () => {
    const outcome = await unpackd(['convert'], []);
    assert.equal(outcome.status, 2);
    assert.match(outcome.stderr, /^error\[configuration-invalid\] /m);
  });

  it('is wrong where a secret is missing', async () => {
    const lines = git().map((line) => line.replace('SECRET_OF_A_TEST', 'NO_SUCH_VARIABLE'));
    const outcome = await unpackd(['convert'], lines);
    assert.equal(outcome.status, 2);
    assert.match(outcome.stderr, /NO_SUCH_VARIABLE/);
  });

  it('fail alone where they are hostile files, and the others go on', async () => {
    const at = (name: string): string => join(site.folder, name);
    symlinkSync(at('loop'), at('loop'));
    execFileSync('mkfifo', [at('pipe')]);
    writeFileSync(at('long'), `a: ${'b'.repeat(9e6)}\n`);
    writeFileSync(
      at('wrong'),
      recipeText(...Array.from({ length: 15_000 }, (_, index) => `quay.io/a:!${index}`)),
    );
    const files = ['loop', 'pipe', 'long', 'wrong'].map((name) => `  - file: ${at(name)}`);
    const outcome = await unpackd(['convert'], [...files, '  - file: /dev/zero', ...file()]);
    assert.equal(outcome.status, 1, outcome.stderr.slice(0, 1000));
    assert.ok(isPublished(inFile) && isPublished(inBoth));
    assert.match(outcome.stderr, /14000 more problems/);
    assert.equal(outcome.stderr.match(/^error\[recipe-unreadable\]/gm)?.length, 4);
  });

  it('publish nowhere but where they may, though the recipe names more', async () => {
    const foreign = recipeText(inGit).replace(REPOSITORY, 'home');
    await upstream.push({ 'recipe.yaml': foreign });
    const named = await unpackd(['convert'], [...git(), ...file()]);
    assert.equal(named.status, 1, named.stderr);
    assert.match(
      named.stderr,
      /asks for home, where its source may not publish.*\[not-allowed\]|\[not-allowed\].*asks for home/,
    );
    assert.ok(!existsSync(join(site.root, 'home')) && !existsSync(join(site.root, '.unpackd-home')));
    assert.ok(isPublished(inFile));
  });

  it('make no directory tree, and publish where the operator has one', async () => {
    const outcome = await unpackd(['convert'], git(), []);
    assert.equal(outcome.status, 1, outcome.stderr);
    assert.ok(!existsSync(join(site.root, REPOSITORY)));
    await unpackd(['convert'], file(), []);
    assert.equal((await unpackd(['convert'], git(), [])).status, 0);
    assert.ok(isPublished(inGit));
  });

  it("do not publish into a folder that is not unpackd's, though its name is there", async () => {
    mkdirSync(join(site.root, 'home'), { recursive: true });
    await upstream.push({ 'recipe.yaml': recipeText(inGit).replace(REPOSITORY, 'home') });
    assert.equal((await unpackd(['convert'], git(), [])).status, 1);
    assert.deepEqual(readdirSync(join(site.root, 'home')), []);
  });

  it('are confined by their settings, and the others go on', async () => {
    const confined = [...git(), '    registries: quay.io'];
    const outcome = await unpackd(['convert'], [...confined, ...file()]);
    assert.equal(outcome.status, 1, outcome.stderr);
    assert.match(outcome.stderr, /which is not allowed; the registry was not asked/);
    assert.ok(!isPublished(inGit) && isPublished(inFile));
  });

  it('are all confined by allowed-registries', async () => {
    const settings = ['allowed-registries: [quay.io]'];
    for (const words of [['convert'], ['convert-single-image', inFile, REPOSITORY]]) {
      const outcome = await unpackd(words, file(), settings);
      assert.equal(outcome.status, 1, outcome.stderr);
      assert.match(
        outcome.stderr,
        /^error\[not-allowed\] .*which is not allowed; the registry was not asked/m,
      );
      assert.ok(!isPublished(inFile));
    }
  });

  it('are shown by unpackd wishlist sources', async () => {
    const sources = [...git(), ...file(), ...nowhere];
    const outcome = await unpackd(['wishlist', 'sources', '--json'], sources);
    assert.equal(outcome.status, 1, outcome.stderr);
    const shown = JSON.parse(outcome.stdout);
    assert.deepEqual(
      shown.map((source: { content?: { wishes: number }; failure?: { code: string } }) => [
        source.content?.wishes,
        source.failure?.code,
      ]),
      [
        [2, undefined],
        [2, undefined],
        [undefined, 'source-invalid'],
      ],
    );
    assert.equal(shown[0].content.commit.author, 'Ada Test');
    assert.deepEqual(shown[0].content.recipes[0].repositories, [REPOSITORY]);
    const lines = (await unpackd(['wishlist', 'sources'], sources)).stdout.trimEnd().split('\n');
    assert.equal(lines.length, 3);
    assert.match(lines[0] ?? '', /^the list: commit [0-9a-f]{12} of 2024-05-01 08:00 \+00:00 by Ada Test/);
  });
});
