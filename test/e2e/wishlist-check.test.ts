import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { smallImage } from '../support/e2e/images.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { privateStorage } from '../support/e2e/private-image.ts';
import { Site } from '../support/e2e/site.ts';
import { run, runHere, type OutcomeHere } from '../support/e2e/unpackd.ts';
import { artifact } from '../support/images/artifact.ts';
import { imageIndex } from '../support/images/image.ts';
import { runnerFolder, runScript, githubScript, gitlabScript } from '../support/e2e/workflow.ts';
import { describeWith } from '../support/programs.ts';
import { startDockerRegistry, type DockerRegistry } from '../support/registry/docker-registry.ts';
import { makeBasicUser } from '../support/registry/htpasswd.ts';
import { temporaryDirectory } from '../support/setup.ts';

const command = promisify(execFile);

interface FoundJson {
  readonly severity: string;
  readonly code: string;
  readonly line: number;
  readonly column: number | null;
  readonly endColumn: number | null;
  readonly hint: string | null;
  readonly isNew: boolean;
  readonly message: string;
}

interface CheckJson {
  readonly isFine: boolean;
  readonly findings: readonly FoundJson[];
  readonly wishes: readonly Readonly<Record<string, unknown>>[];
  readonly total: Readonly<Record<string, number | null>>;
}

const GIT_USER = {
  GIT_AUTHOR_NAME: 'somebody',
  GIT_AUTHOR_EMAIL: 'somebody@example.org',
  GIT_COMMITTER_NAME: 'somebody',
  GIT_COMMITTER_EMAIL: 'somebody@example.org',
  GIT_CONFIG_NOSYSTEM: '1',
};

describe('e2e/wishlist-check', () => {
  let registry: TestRegistry;
  let site: Site;
  before(async () => {
    registry = await TestRegistry.start();
    registry.add('lab/tool', '1.0', await smallImage('tool'));
    for (const tag of ['1.6.0', '1.7.0', '1.7.1', 'latest']) {
      registry.add('stimela/casa', tag, await smallImage(tag));
    }
    const many = await smallImage('one of many');
    for (let number = 1; number <= 30; number++) registry.add('lab/many', `1.${number}`, many);
    registry.add('library/debian', '12', await smallImage('debian'));
  });
  after(async () => registry.close());
  beforeEach(async () => {
    site = await Site.make('directory');
    registry.requests();
  });

  async function check(words: readonly string[]): Promise<OutcomeHere> {
    return await runHere(['wishlist', 'check', ...site.options, ...words]);
  }

  async function checkJson(
    words: readonly string[],
  ): Promise<CheckJson & { readonly status: number | undefined }> {
    const { status, stdout, stderr } = await check(['--format', 'json', ...words]);
    assert.equal(stderr, '');
    return { ...(JSON.parse(stdout) as CheckJson), status };
  }

  function codes({ findings }: CheckJson): string[] {
    return findings.map(({ line, severity, code }) => `${line} ${severity} ${code}`);
  }

  function wish(name: string): string {
    return `http://${registry.host}/${name}`;
  }

  describeWith(
    ['docker-registry', 'htpasswd', 'git'],
    'of a change with one good line, one typo, one duplicate, one private image, one pattern too wide',
    () => {
      let secret: DockerRegistry;
      let folder: string;
      before(async function () {
        const storage = await privateStorage();
        const user = await makeBasicUser();
        secret = await startDockerRegistry({ storage, auth: user.auth });
        folder = await temporaryDirectory('wishlist');
        await git('init', '--quiet', '--initial-branch', 'main');
        write('recipe.yaml', [wish('stimela/casa:1.6.0'), wish('lab/gone:1')]);
        await git('add', '.');
        await git('commit', '--quiet', '--message', 'before');
        write('before.yaml', [wish('stimela/casa:1.6.0'), wish('lab/gone:1')]);
        write('recipe.yaml', [
          wish('stimela/casa:1.6.0'),
          wish('lab/gone:1'),
          wish('lab/tool:1.0'),
          wish('stimela/casa:v1.7.1'),
          wish('stimela/casa:1.6.0'),
          `http://${secret.host}/lab/private:1`,
          wish('lab/many:*'),
        ]);
      });
      after(async () => secret?.close());

      async function git(...words: readonly string[]): Promise<void> {
        await command('git', ['-C', folder, ...words], { env: { ...process.env, ...GIT_USER } });
      }

      function write(name: string, images: readonly string[]): void {
        const lines = images.map((one) => `  - '${one}'\n`).join('');
        writeFileSync(join(folder, name), `version: 1\ncvmfs_repo: 'images.unpackd.test'\ninput:\n${lines}`);
      }

      function words(): string[] {
        return ['--pattern-limit', '20', '--base', 'HEAD', join(folder, 'recipe.yaml')];
      }

      const EXPECTED = [
        '7 error tag-unknown',
        '8 warning wish-repeated',
        '9 error unauthorized',
        '10 error pattern-too-wide',
      ];

      it('finds each, says what was meant, and asks for nothing else', async () => {
        const report = await checkJson(words());
        assert.equal(report.status, 1);
        assert.deepEqual(codes(report), EXPECTED);
        assert.equal(report.findings[0]?.hint, `did you mean ${wish('stimela/casa:1.7.1')}?`);
        assert.deepEqual(
          report.wishes.map(({ image: name }) => name),
          [
            wish('lab/tool:1.0'),
            wish('stimela/casa:v1.7.1'),
            `http://${secret.host}/lab/private:1`,
            wish('lab/many:*'),
          ],
        );
        const requests = registry.requests();
        assert.ok(
          !requests.some((line) => /gone|casa\/manifests\/1\.6\.0|many\/manifests|\/blobs\//.test(line)),
          requests.join('\n'),
        );
      });

      it('compares with a file as with a commit', async () => {
        const [, , , , recipe = ''] = words();
        const report = await checkJson([
          '--pattern-limit',
          '20',
          '--base-file',
          join(folder, 'before.yaml'),
          recipe,
        ]);
        assert.deepEqual([report.status, codes(report)], [1, EXPECTED]);
      });

      it('without a base: every line is asked for', async () => {
        const [, , , , recipe = ''] = words();
        const report = await checkJson(['--pattern-limit', '20', recipe]);
        assert.deepEqual(codes(report), ['5 error image-unknown', ...EXPECTED]);
      });

      it('offline: no registry is asked', async () => {
        const report = await checkJson(['--offline', ...words()]);
        assert.deepEqual([report.status, codes(report)], [0, ['8 warning wish-repeated']]);
        assert.deepEqual(registry.requests(), []);
      });

      it('as text: with the line, and carets below the image', async () => {
        const { status, stdout, stderr } = await check(words());
        assert.deepEqual([status, stderr], [1, '']);
        const lines = stdout.split('\n');
        const at = lines.findIndex((line) => line.endsWith('[tag-unknown]'));
        const image = wish('stimela/casa:v1.7.1');
        assert.match(lines[at] ?? '', /recipe\.yaml:7:6: error: /);
        assert.deepEqual(lines.slice(at + 1, at + 3), [
          ` 7 |   - '${image}'`,
          `   |      ${'^'.repeat(image.length)}`,
        ]);
        assert.match(stdout, /^adds 1 image: 1 layer, /m);
      });

      it('as GitHub annotations: one command a line, at the place', async () => {
        const { status, stdout } = await check(['--format', 'github', ...words()]);
        assert.equal(status, 1);
        const commands = stdout.split('\n').filter((line) => line.startsWith('::'));
        assert.deepEqual(
          commands.map((line) =>
            /^::(\w+) file=[^,:]+,line=(\d+),col=6,endColumn=\d+,title=([a-z-]+)::/.exec(line)?.slice(1),
          ),
          [
            ['error', '7', 'tag-unknown'],
            ['warning', '8', 'wish-repeated'],
            ['error', '9', 'unauthorized'],
            ['error', '10', 'pattern-too-wide'],
          ],
        );
      });

      it('as Markdown: marked, with the good image in the table', async () => {
        const { status, stdout } = await check(['--format', 'markdown', ...words()]);
        assert.equal(status, 1);
        const lines = stdout.split('\n');
        assert.deepEqual(
          [lines[0], lines[2]],
          ['<!-- unpackd wishlist check -->', '### Wishlist check: 3 errors to correct'],
        );
        const rows = lines.filter((line) => line.startsWith('| `'));
        assert.equal(rows.length, 1);
        assert.ok(rows[0]?.startsWith(`| \`${wish('lab/tool:1.0')}\` |`), rows[0]);
        assert.equal(lines.filter((line) => line.startsWith('- **error**')).length, 3);
      });

      it('as JUnit: a test for each new line, which only errors fail', async function () {
        const { status, stdout } = await check(['--format', 'junit', ...words()]);
        assert.equal(status, 1);
        assert.match(stdout, /<testsuites name="unpackd wishlist check" tests="5" failures="3"/);
        const failed = [...stdout.matchAll(/line="(\d+)" time="0">\s*<failure type="([a-z-]+)"/g)];
        assert.deepEqual(
          failed.map(([, line, code]) => [line, code]),
          [
            ['7', 'tag-unknown'],
            ['9', 'unauthorized'],
            ['10', 'pattern-too-wide'],
          ],
        );
      });

      it('the workflow for GitHub says it in a run of its own', async () => {
        const temporary = await runnerFolder();
        await git('add', 'recipe.yaml');
        await git('commit', '--quiet', '--message', 'the change');
        try {
          const outcome = await runScript(githubScript('Check'), folder, {
            ...policy(),
            RUNNER_TEMP: temporary,
            GITHUB_STEP_SUMMARY: join(temporary, 'summary'),
          });
          assert.equal(outcome.status, 1, outcome.stderr);
          assert.match(outcome.stdout, /^::error file=recipe\.yaml,line=7,.*title=tag-unknown::/m);
          const comment = readFileSync(join(temporary, 'wishlist-check.md'), 'utf8');
          assert.ok(comment.startsWith('<!-- unpackd wishlist check -->\n'));
          assert.equal(readFileSync(join(temporary, 'summary'), 'utf8'), comment);
        } finally {
          await git('reset', '--quiet', '--soft', 'HEAD^');
        }
      });

      it('the job for GitLab leaves a report of tests', async () => {
        const { stdout: head } = await command('git', ['-C', folder, 'rev-parse', 'HEAD']);
        const outcome = await runScript(gitlabScript(), folder, {
          ...policy(),
          CHECKER: await runnerFolder(),
          CI_MERGE_REQUEST_DIFF_BASE_SHA: head.trim(),
          CI_PROJECT_DIR: folder,
        });
        assert.equal(outcome.status, 1, outcome.stderr);
        assert.match(outcome.stdout, /\[tag-unknown\]/);
        assert.match(readFileSync(join(folder, 'wishlist-check.xml'), 'utf8'), /<failure type="tag-unknown"/);
        assert.match(readFileSync(join(folder, 'wishlist-check.md'), 'utf8'), /^### Wishlist check/m);
      });

      /** What the wishlist of this test allows, in place of the examples' own values. */
      function policy(): Record<string, string> {
        const hosts = [registry.host, secret.host].join(',');
        return { PATTERN_LIMIT: '20', ALLOWED_REGISTRIES: hosts, UNPACKD_PUBLIC_ONLY: 'false' };
      }
    },
  );

  it('finds a platform that an image lacks', async () => {
    const arm = { os: 'linux', architecture: 'arm64' };
    registry.add('lab/arm', '1', imageIndex([{ image: await smallImage('arm'), platform: arm }]));
    const report = await checkJson([site.recipe([wish('lab/arm:1')])]);
    assert.deepEqual([report.status, codes(report)], [1, ['4 error platform-missing']]);
    const other = await checkJson(['--platforms', 'linux/arm64', site.recipe([wish('lab/arm:1')])]);
    assert.deepEqual([other.status, codes(other)], [0, []]);
  });

  it('suggests the library of Docker Hub, where the image is there', async () => {
    const configuration = join(site.folder, 'unpackd.yaml');
    writeFileSync(configuration, `registries:\n  docker.io:\n    proxy: http://${registry.host}\n`);
    const recipe = site.recipe(['docker.io/debian:12', 'docker.io/nothing:12']);
    const report = await checkJson(['--config', configuration, recipe]);
    assert.deepEqual(codes(report), ['4 error image-unknown', '5 error image-unknown']);
    assert.equal(report.findings[0]?.hint, 'did you mean docker.io/library/debian:12?');
    assert.ok(!report.findings[1]?.hint?.includes('library'), 'what is not there is not suggested');
  });

  it('says what a pattern means, and looks at the highest versions', async () => {
    const report = await checkJson([
      site.recipe([wish('stimela/casa:1.*'), wish('lab/many:*'), wish('lab/many:2*')]),
    ]);
    assert.deepEqual(
      [report.status, codes(report).toSorted()],
      [
        0,
        [
          '4 note pattern-means',
          '5 note pattern-means',
          '5 note pattern-sampled',
          '6 note wish-covered',
          '6 warning pattern-unmatched',
        ],
      ],
    );
    assert.deepEqual(report.wishes[0]?.['tags'], ['1.6.0', '1.7.0', '1.7.1']);
    assert.equal(
      registry.requests().filter((line) => /GET .*\/lab\/many\/manifests\/1\.(2[1-9]|30)$/.test(line)).length,
      10,
    );
  });

  it('has one note for the tags of a pattern that are no images', async () => {
    registry.add('lab/mixed', '1.0', await smallImage('mixed'));
    for (const tag of ['1.1', '1.2'])
      registry.add('lab/mixed', tag, artifact({ configType: 'application/vnd.cncf.helm.config.v1+json' }));
    const report = await checkJson([site.recipe([wish('lab/mixed:*'), wish('lab/mixed:1.2')])]);
    assert.deepEqual(
      [report.status, codes(report).toSorted()],
      [
        1,
        [
          '4 note artifacts-passed-over',
          '4 note pattern-means',
          '5 error media-type-unsupported',
          '5 note wish-covered',
        ],
      ],
    );
  });

  it('refuses what the policy does not allow, and does not ask it', async () => {
    const recipe = site.recipe([wish('lab/tool:1.0')]);
    const report = await checkJson(['--allowed-registries', 'quay.io,docker.io', recipe]);
    assert.deepEqual([report.status, codes(report)], [1, ['4 error registry-not-allowed']]);
    assert.deepEqual(registry.requests(), []);
    const large = await checkJson(['--image-size-limit', '100', recipe]);
    assert.deepEqual([large.status, codes(large)], [1, ['4 error image-too-large']]);
    const fine = await checkJson([
      '--allowed-registries',
      registry.host,
      '--image-size-limit',
      '1MB',
      recipe,
    ]);
    assert.deepEqual([fine.status, codes(fine)], [0, []]);
  });

  it('asks no private address where only public ones are allowed, by whatever name', async () => {
    const [, port = ''] = registry.host.split(':');
    const names = [registry.host, `localhost:${port}`, `[::1]:${port}`, '169.254.169.254'];
    const recipe = site.recipe(names.map((name) => `http://${name}/lab/tool:1.0`));
    const report = await checkJson(['--public-only', recipe]);
    assert.deepEqual(
      [report.status, codes(report)],
      [1, names.map((_, index) => `${index + 4} error address-refused`)],
    );
    assert.deepEqual(registry.requests(), []);
  });

  it('knows what is published, and how large it is unpacked', async () => {
    const recipe = site.recipe([wish('lab/tool:1.0')]);
    const before = await checkJson([recipe]);
    assert.deepEqual([before.total['publishedBytes'], before.total['unpackedBytes']], [null, null]);
    assert.equal((await site.convert([wish('lab/tool:1.0')])).status, 0);
    const { total } = await checkJson([recipe]);
    assert.equal(total['publishedBytes'], total['compressedBytes']);
    assert.ok(Number(total['unpackedBytes']) > Number(total['compressedBytes']));
    const other = await checkJson([site.recipe([wish('stimela/casa:1.6.0')])]);
    assert.equal(other.total['publishedBytes'], 0);
  });

  it("takes a registry that does not answer for nobody's mistake", async () => {
    const gone = await TestRegistry.start();
    await gone.close();
    const report = await checkJson([site.recipe([`http://${gone.host}/lab/tool:1`])]);
    assert.deepEqual([report.status, codes(report)], [0, ['4 warning registry-unreachable']]);
  });

  it('finds what another recipe asks for, and what a pattern means as well', async () => {
    const one = site.recipe([wish('lab/tool:1.0'), wish('lab/many:*')]);
    const two = site.recipe([wish('lab/tool:1.0'), wish('lab/many:1.3')]);
    const elsewhere = site.recipe([wish('lab/tool:1.0')], 'other.unpackd.test');
    const { stdout, status } = await check(['--offline', '--format', 'json', one, two, elsewhere]);
    const report = JSON.parse(stdout) as CheckJson;
    assert.deepEqual([status, codes(report)], [0, ['4 warning wish-elsewhere', '5 note wish-covered']]);
  });

  it('ends with 2 where a recipe or the base is none, and still says what the others are like', async () => {
    const recipe = site.recipe([wish('lab/tool:1.0')]);
    const broken = join(site.folder, 'broken.yaml');
    writeFileSync(broken, 'input: [\n');
    const outcome = await check(['--format', 'github', '--offline', broken, recipe]);
    assert.equal(outcome.status, 2);
    assert.match(outcome.stderr, /^error\[recipe-unreadable\]/m);
    assert.match(outcome.stdout, /^::error file=[^,]*broken\.yaml,line=2,col=1,title=recipe-unreadable::/m);
    assert.equal((await check([])).status, 2);
    assert.equal((await check(['--base', 'no-such-commit', recipe])).status, 2);
    assert.equal((await check(['--base', recipe, recipe])).status, 2);
    assert.equal((await check(['--offline', '--base', 'HEAD', '--base-file', recipe, recipe])).status, 2);
    assert.equal((await check(['--offline', '--base-file', recipe, recipe, recipe])).status, 2);
    const repaired = await checkJson(['--offline', '--base-file', broken, recipe]);
    assert.deepEqual([repaired.status, codes(repaired)], [0, ['1 warning base-unusable']]);
  });

  it('names what a change takes away', async () => {
    const wishes = Array.from({ length: 22 }, (_, index) => wish(`lab/tool:${index}`));
    const earlier = join(site.folder, 'earlier.yaml');
    copyFileSync(site.recipe(wishes), earlier);
    const { status, findings } = await checkJson([
      '--offline',
      '--base-file',
      earlier,
      site.recipe(wishes.slice(0, 1)),
    ]);
    assert.deepEqual([status, findings.map(({ code }) => code)], [0, ['wishes-removed']]);
    assert.match(findings[0]?.message ?? '', /^no longer asked for: "[^"]*tool:1", .*tool:20", 1 more$/);
  });

  it('tells no secret of a line', async () => {
    const recipe = site.recipe([
      `user:hidden-word@${registry.host}/lab/tool:1`,
      'https://quay.io/lab/tool?token=hidden-word',
    ]);
    for (const format of ['text', 'json', 'github', 'markdown', 'junit']) {
      // In a process of its own: what this one knows of secrets would be masked.
      const words = ['wishlist', 'check', ...site.options, '--format', format, recipe];
      const { status, stdout, stderr } = await run(words);
      assert.equal(status, 1, format);
      assert.ok(!`${stdout}${stderr}`.includes('hidden-word'), stdout);
    }
  });
});
