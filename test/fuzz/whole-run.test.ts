import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '../support/setup.ts';
import { needsRoot } from '../support/programs.ts';
import { violationsOf, type Observation } from './whole-run/checks.ts';
import { BEATS, longestSilence } from './whole-run/beats-file.ts';
import { LIMITS } from './whole-run/limits.ts';
import { scenarioOf } from './whole-run/scenario.ts';
import { shrink } from './whole-run/shrink.ts';
import { keepFinding, readFinding, WholeRuns, type Result } from './whole-run/whole-run.ts';

/** Between them: both backends, both commands, both orders, and most kinds of guests. */
const SEEDS = [1, 2, 10] as const;

const FINE: Observation = {
  status: 1,
  stdout: '',
  stderr: 'error[layer-refused] host/guest:1: no',
  peakBytes: 150e6,
  silenceMs: 200,
  good: [],
  outside: [],
  unequal: [],
};

describe('fuzz/whole-run', () => {
  for (const seed of SEEDS) {
    it(`finds nothing with seed ${seed}`, async function () {
      needsRoot(this);
      const runs = await WholeRuns.start();
      try {
        const { violations, seen } = await runs.run(seed);
        assert.deepEqual(violations, [], seen.stderr);
      } finally {
        await runs.close();
      }
    });
  }

  const CASES: readonly [what: string, seen: Partial<Observation>, kind: string][] = [
    ['a run that does not end', { status: undefined }, 'no end'],
    ['exit status 70', { status: 70 }, 'exit status'],
    ['a repository that cannot be used for a guest', { status: 3 }, 'exit status'],
    ['a bug that is one image’s failure', { stderr: 'error[bug] host/guest:1: x is undefined' }, 'bug'],
    ['too much memory', { peakBytes: LIMITS.memoryBytes + 1 }, 'memory'],
    ['an event loop that is held up', { silenceMs: LIMITS.silenceMs + 1 }, 'silence'],
    ['a good image that is not whole', { good: ['f: nothing'] }, 'good image'],
    ['a file outside of its place', { outside: ['/escape: file'] }, 'outside'],
    ['trees that differ', { unequal: ['.layers/x: f'] }, 'unequal'],
  ];
  for (const [what, seen, kind] of CASES) {
    it(`takes ${what} for a finding`, () => {
      assert.deepEqual(
        violationsOf({ ...FINE, ...seen }).map((violation) => violation.kind),
        [kind],
      );
    });
  }

  it('takes failures of images for none', () => {
    assert.deepEqual(violationsOf(FINE), []);
    assert.deepEqual(violationsOf({ ...FINE, status: 0, stderr: '' }), []);
  });

  it('notes for how long the event loop was held up', async () => {
    const path = join(await temporaryDirectory('beats'), 'beats');
    const busy = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700)';
    const words = [`--import=${BEATS}`, '--eval', `setTimeout(() => { ${busy} }, 100)`];
    assert.equal(spawnSync(process.execPath, words, { env: { FUZZ_BEATS: path } }).status, 0);
    assert.ok(longestSilence(path, Date.now()) >= 600);
    // A process that is held up until it is killed.
    const [, lastMs = ''] = readFileSync(path, 'latin1').trim().split(' ');
    assert.ok(longestSilence(path, Number(lastMs) + 60_000) >= 60_000);
  });

  it('makes the same of the same seed', () => {
    for (let seed = 0; seed < 100; seed++) assert.deepEqual(scenarioOf(seed), scenarioOf(seed));
    const commands = Array.from({ length: 100 }, (_, seed) => scenarioOf(seed));
    for (const [key, value] of [
      ['backend', 'cvmfs'],
      ['command', 'daemon'],
      ['again', true],
    ] as const)
      assert.ok(
        commands.some((scenario) => scenario[key] === value),
        key,
      );
  });

  it('shrinks a finding to the guests that it needs', async () => {
    const resultOf = (seed: number, guests: readonly number[]): Result => {
      const seen = { ...FINE, status: guests.includes(5) && guests.includes(2) ? 70 : 1 };
      return { scenario: scenarioOf(seed, guests), guests: [], seen, violations: violationsOf(seen) };
    };
    const run = async (seed: number, guests: readonly number[] = []): Promise<Result> =>
      await Promise.resolve(resultOf(seed, guests));
    const shrunk = await shrink({ run }, resultOf(1, [0, 1, 2, 3, 4, 5, 6, 7]));
    assert.deepEqual(shrunk.scenario.guests, [2, 5]);
    const path = keepFinding(await temporaryDirectory('findings'), shrunk);
    assert.deepEqual(readFinding(path), { seed: 1, guests: [2, 5] });
    assert.match(readFileSync(`${path}.txt`, 'utf8'), /exit status: 70/);
  });
});
