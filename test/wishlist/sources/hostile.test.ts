import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, isFailure } from '../../../core/failure.ts';
import { fetchFile, fileSource, type FileSettings } from '../../../wishlist/sources/fetch-file.ts';
import { SourceRests } from '../../../wishlist/sources/read-sources.ts';
import { recipeText } from '../../support/git/upstream.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { Reader, summary, urlAt } from './reading.ts';

const GOOD = 'quay.io/good/image:1';

/** Files that are none, each made at a path, and what is said of them. */
const FILES: Readonly<Record<string, readonly [make: (path: string) => string, message: RegExp]>> = {
  'a link to itself': [made((path) => symlinkSync(path, path)), /leads to itself/],
  'a pipe into which nobody writes': [made((path) => execFileSync('mkfifo', [path])), /a pipe/],
  'a folder': [made((path) => mkdirSync(path)), /a directory/],
  'a device without end': [() => '/dev/zero', /a device/],
  'a name that is too long': [(path) => `${path}${'x'.repeat(300)}`, /ENAMETOOLONG/],
  nothing: [(path) => path, /no such file/],
  'a file of the kernel that cannot be read': [() => '/proc/self/mem', /the device reports an error/],
  'more than 4 MiB': [
    made((path) => writeFileSync(path, '#'.repeat(4 * 1024 ** 2 + 1))),
    /larger than 4 MiB/,
  ],
  'a line of 9 MB': [made((path) => writeFileSync(path, `a: ${'b'.repeat(3e6)}`)), /:1:1: the line has more/],
};

function made(make: (path: string) => unknown): (path: string) => string {
  return (path) => {
    make(path);
    return path;
  };
}

describe('wishlist/sources/hostile: readSources: hostile sources beside a good one', () => {
  let folder: string;
  let good: FileSettings;

  beforeEach(async () => {
    folder = await temporaryDirectory('hostile-sources');
    good = { name: 'good', path: join(folder, 'good.yaml') };
    writeFileSync(good.path, recipeText(GOOD));
  });

  for (const [name, [make, message]] of Object.entries(FILES)) {
    it(`fails for ${name} alone`, async () => {
      const bad = fileSource({ name: 'bad', path: make(join(folder, 'bad')) });
      const [first, second] = await (await Reader.create()).readAll([bad, fileSource(good)]);
      assert.ok(first !== undefined && second !== undefined);
      assert.ok(isFailure(first.failure, 'recipe-unreadable'), String(first.failure));
      assert.match(first.failure.message, message);
      assert.deepEqual(summary(second).images, [GOOD]);
    });
  }

  it('fails for what nobody expected alone, and says where', async () => {
    const environment = new Proxy<Record<string, string>>(
      {},
      {
        get() {
          throw new TypeError('as if it were a mistake');
        },
        ownKeys() {
          throw new TypeError('as if it were a mistake');
        },
      },
    );
    const reader = await Reader.create({ environment });
    const bad = urlAt('http://localhost:9/recipe.yaml', { name: 'bad' });
    const [first, second] = await reader.readAll([bad, fileSource(good)]);
    assert.ok(isFailure(first?.failure, 'bug'), String(first?.failure));
    assert.ok(first.failure.cause instanceof TypeError);
    assert.ok(second !== undefined);
    assert.deepEqual(summary(second).images, [GOOD]);
  });

  it('gives up a file that does not come', async () => {
    const never = new Promise<string>(() => undefined);
    const limits = { timeLimitMs: 1, signal: undefined };
    await assert.rejects(
      fetchFile(good, limits, async () => await never),
      isUnreachable,
    );
    // What hangs is not begun once more.
    await assert.rejects(fetchFile(good, limits), isUnreachable);
  });

  it('leaves a file that hangs when it is to end', async () => {
    const controller = new AbortController();
    const other = { ...good, path: join(folder, 'other') };
    const limits = { timeLimitMs: 60_000, signal: controller.signal };
    const reading = fetchFile(other, limits, async () => await new Promise<string>(() => undefined));
    controller.abort(new Failure('interrupted', 'the end'));
    await assert.rejects(reading, (error) => isFailure(error, 'interrupted'));
  });

  it('does not ask a source again at once that fails for what nobody expected', async () => {
    const rests = new SourceRests();
    const reader = await Reader.create({ rests });
    const path = join(folder, 'bad');
    const bad = fileSource({ name: 'bad', path });
    const nowMs = Date.UTC(2024, 0, 1);
    rests.failed('bad', new Failure('bug', 'unexpected'), { tookMs: 1, nowMs });
    writeFileSync(path, recipeText(GOOD));
    for (let minute = 1; minute < 5; minute += 1) assert.equal((await reader.read(bad)).failure?.code, 'bug');
    assert.deepEqual(summary(await reader.read(bad)).images, [GOOD]);
  });
});

describe('wishlist/sources/hostile: SourceRests', () => {
  const failure = new Failure('source-unreachable', 'no answer');
  const minutes = (count: number): number => count * 60_000;

  it('leaves a source alone for ten times as long as it took to fail, at most for an hour', () => {
    const rests = new SourceRests();
    rests.failed('a', failure, { tookMs: minutes(2), nowMs: 0 });
    assert.equal(rests.failureOf('a', minutes(20) - 1), failure);
    assert.equal(rests.failureOf('a', minutes(20)), undefined);
    rests.failed('a', failure, { tookMs: minutes(30), nowMs: 0 });
    assert.equal(rests.failureOf('a', minutes(60)), undefined);
    assert.equal(rests.failureOf('b', 0), undefined);
  });

  it('asks after a clock was set back', () => {
    const rests = new SourceRests();
    rests.failed('a', failure, { tookMs: minutes(1), nowMs: minutes(10_000) });
    assert.equal(rests.failureOf('a', 0), undefined);
  });

  it('leaves alone twice as long each time what fails for what nobody expected', () => {
    const rests = new SourceRests();
    const waits = [5, 10, 20, 40, 60, 60].map((wait) => {
      rests.failed('a', new Failure('bug', 'unexpected'), { tookMs: 0, nowMs: 0 });
      return rests.failureOf('a', minutes(wait) - 1) !== undefined && rests.failureOf('a', minutes(wait));
    });
    assert.deepEqual(waits, [undefined, undefined, undefined, undefined, undefined, undefined]);
    rests.succeeded('a');
    assert.equal(rests.failureOf('a', 0), undefined);
  });
});

function isUnreachable(error: unknown): boolean {
  return isFailure(error, 'source-unreachable');
}
