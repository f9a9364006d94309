import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { COMMANDS } from '../../../../daemon/cli/commands.ts';
import { runUnpackd } from '../../../../daemon/cli/run.ts';
import { lockState } from '../../../../daemon/state/state-lock.ts';
import type { State } from '../../../../daemon/state/state.ts';
import { Failure } from '../../../../core/failure.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { capture } from '../capture.ts';
import { openState } from '../../../../daemon/state/open-state.ts';

const REPOSITORY = 'images.unpackd.test';
const IMAGE = 'quay.io/lab/tool:1';

describe('daemon/cli/commands/steering', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await temporaryDirectory('steering');
    mkdirSync(join(folder, 'root', REPOSITORY), { recursive: true });
  });

  async function run(
    ...words: readonly string[]
  ): Promise<{ status: number; stdout: string; stderr: string }> {
    const [stdout, stderr] = [capture(), capture()];
    const argv = [...words, '--state', join(folder, 'state'), '--root', join(folder, 'root')];
    const status = await runUnpackd(argv, COMMANDS, {
      version: 'test',
      environment: {},
      stdout,
      stderr,
      signal: new AbortController().signal,
      machine: {
        home: folder,
        superuser: false,
        workingDirectory: folder,
        configurationFile: join(folder, 'unpackd.yaml'),
      },
    });
    return { status, stdout: stdout.text(), stderr: stderr.text() };
  }

  async function withState(work: (state: State) => Promise<void>): Promise<void> {
    const state = await openState(join(folder, 'state'), assert.fail);
    try {
      await state.repositories.ensure([REPOSITORY]);
      await work(state);
    } finally {
      await state.close();
    }
  }

  async function fail(): Promise<void> {
    await withState(async ({ attempts }) => {
      await attempts.record({
        repository: REPOSITORY,
        publicName: IMAGE,
        platform: undefined,
        image: IMAGE,
        startedMs: Date.now() - 1000,
        finishedMs: Date.now(),
        bytes: 0,
        failure: new Failure('tag-unknown', 'no such tag', { hint: 'correct it' }),
        isWhole: true,
      });
    });
  }

  /** As a publication leaves it. */
  function publish(name: string): void {
    const path = join(folder, 'root', REPOSITORY, '.metadata', name, 'manifest.json');
    mkdirSync(dirname(path), { recursive: true });
    const layers = [{ digest: `sha256:${'b'.repeat(64)}`, size: 2_000_000 }];
    writeFileSync(path, JSON.stringify({ config: { digest: `sha256:${'a'.repeat(64)}`, size: 9 }, layers }));
  }

  it('status: all is well where nothing is known to be wrong', async () => {
    const { status, stdout } = await run('status');
    assert.equal(status, 0, stdout);
    assert.equal(stdout, 'daemon: not running\n');
    assert.equal(existsSync(join(folder, 'state')), false);
    mkdirSync(join(folder, 'state'));
    assert.match((await run('status')).stdout, /^daemon: not running; .* free in /);
    assert.deepEqual(readdirSync(join(folder, 'state')), []);
  });

  it('status: what fails, why, since when and until when, and exit 1', async () => {
    await fail();
    const { status, stdout } = await run('status');
    assert.equal(status, 1);
    assert.match(
      stdout,
      /^ {2}failing: 1 image\n {4}quay\.io\/lab\/tool:1, for \d+ s, 1 try, next in \d+ (?:s|min): no such tag; correct it \[tag-unknown\]$/m,
    );
    const { stdout: json } = await run('status', '--json');
    const document: { isWell: boolean; repositories: { failing: { tries: number }[] }[] } = JSON.parse(json);
    assert.deepEqual([document.isWell, document.repositories[0]?.failing[0]?.tries], [false, 1]);
  });

  it('status: a daemon that ran with this state and does not now is not well', async () => {
    (await lockState(join(folder, 'state'))).release();
    assert.equal((await run('status')).status, 1);
  });

  it('status: a daemon that does not answer', async () => {
    const lock = await lockState(join(folder, 'state'));
    try {
      const { status, stdout } = await run('status');
      assert.equal(status, 1);
      assert.match(stdout, /^daemon: running, but not answering/);
    } finally {
      lock.release();
    }
  });

  it('status IMAGE: what is known of it, and exit 1 where it is not published', async () => {
    await fail();
    publish(IMAGE);
    const before = await run('status', IMAGE);
    assert.equal(before.status, 1);
    assert.match(before.stdout, /^ {2}asked for by nobody\n {2}not published\n {2}failing since /m);
    const unknown = await run('status', 'quay.io/lab/tools:1');
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /^error\[argument-unknown\] .*; did you mean quay\.io\/lab\/tool:1\?$/m);
    assert.equal((await run('status', `http://${IMAGE}`)).stdout, before.stdout);
    await run('rebuild', REPOSITORY);
    const { status, stdout } = await run('status', IMAGE);
    assert.equal(status, 1);
    assert.match(
      stdout,
      /^quay\.io\/lab\/tool:1 in images\.unpackd\.test\n {2}asked for by nobody, so that only "unpackd remove" removes it$/m,
    );
    assert.match(stdout, /published for linux\/amd64: 1 layer \(2\.0 MB\), config sha256:a{64}$/m);
    assert.match(stdout, /tries:\n {4}.*: failed: no such tag; correct it \[tag-unknown\]$/m);
  });

  it('rebuild: finds what is published, also for further platforms, and nothing where nothing is', async () => {
    publish(IMAGE);
    publish(`.multiarch/arm64/${IMAGE}`);
    publish('.multiarch/no:thing at all/x');
    const { status, stdout } = await run('rebuild', REPOSITORY);
    assert.deepEqual([status, stdout], [0, `${REPOSITORY}: 2 images\n`]);
    await withState(async ({ images }) => {
      const rows = await images.of(REPOSITORY);
      assert.deepEqual(
        rows.map(({ publicName, platform }) => [publicName, platform]),
        [
          [IMAGE, 'linux/amd64'],
          [IMAGE, 'linux/arm64'],
        ],
      );
    });
    mkdirSync(join(folder, 'root', 'other.test'));
    const other = await run('rebuild', REPOSITORY, 'other.test');
    assert.deepEqual([other.status, other.stdout], [0, `${REPOSITORY}: 2 images\nother.test: 0 images\n`]);
  });

  it('rebuild: without any repository there is nothing to do', async () => {
    assert.equal((await run('rebuild')).status, 2);
  });

  it('retry: what fails, one or all, and nothing else', async () => {
    await fail();
    const unknown = await run('retry', 'quay.io/lab/other:1');
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /^error\[argument-unknown\]/);
    for (const words of [['retry', IMAGE], ['retry']]) {
      const { status, stdout } = await run(...words);
      assert.deepEqual([status, stdout], [0, '1 image will be tried when the daemon runs again\n']);
    }
  });

  it('retry: an image that does not fail, and nothing at all', async () => {
    publish(IMAGE);
    await run('rebuild', REPOSITORY);
    for (const words of [['retry', IMAGE], ['retry']]) {
      const { status, stdout } = await run(...words);
      assert.deepEqual([status, /: there is nothing to try again$/m.test(stdout)], [0, true], stdout);
    }
  });

  for (const command of ['pause', 'resume', 'rebuild'])
    it(`${command}: a repository that nobody knows is an error, and nothing is made`, async () => {
      const { status, stderr } = await run(command, 'image.unpackd.test');
      assert.equal(status, 2, stderr);
      assert.match(stderr, /^error\[argument-unknown\] .*image\.unpackd\.test; /);
      assert.equal(existsSync(join(folder, 'state')), false);
      await withState(async () => {});
      const near = await run(command, 'image.unpackd.test');
      assert.match(near.stderr, /; did you mean images\.unpackd\.test\?$/m);
      const { stdout } = await run('status', '--json');
      const { repositories }: { repositories: { name: string }[] } = JSON.parse(stdout);
      assert.deepEqual(
        repositories.map(({ name }) => name),
        [REPOSITORY],
      );
    });

  it('pause and resume: one repository, or all', async () => {
    assert.equal((await run('pause', REPOSITORY)).status, 0);
    assert.equal((await run('pause')).status, 0);
    assert.match((await run('status')).stdout, /all repositories are paused since/);
    assert.match((await run('resume', REPOSITORY)).stdout, /all repositories are still paused/);
    assert.equal((await run('resume')).stdout, 'resumed: all repositories\n');
    await withState(async ({ repositories }) => {
      assert.deepEqual(
        (await repositories.all()).map(({ pausedSinceMs }) => pausedSinceMs),
        [undefined],
      );
    });
    assert.equal((await run('pause', '../x')).status, 2);
  });
});
