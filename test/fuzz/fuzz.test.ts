import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomOf } from '../publisher/tree/random-stacks.ts';
import { temporaryDirectory } from '../support/setup.ts';
import { Failure } from '../../core/failure.ts';
import { assertSame, outcome } from './invariants.ts';
import { fuzz } from './layer-target.ts';
import { fuzz as fuzzStack } from './stack-target.ts';
import { mutate } from './mutate.ts';
import { writeSeeds } from './seeds.ts';

/** What it has found in stacks, in base64. */
const FOUND_IN_STACKS: readonly [what: string, base64: string][] = [
  [
    'a member that goes through links of lower layers that lead in a circle, which a later one breaks',
    [
      'MDAwMHVzdGFyADAwMDAwMDB1c3RhcgAwMDAwMGAgdXN0YXIwNmZldGNoLmxhbmRtYXJrADAwMDAwMDB1c3RhcgAwMDAwMDAwdXN0',
      'YXIANzAwMDA2MHVzdGFyADAwMDVkAAAAAAAAADATbXVzdGFyICAANTQ0MDAwMDAwdUdOVWxJblV4c3RhcgAwMDAud2guLi8AAAAA',
      '/TDcMDUwMKow',
    ].join(''),
  ],
];

describe('fuzz/fuzz', () => {
  for (const [what, base64] of FOUND_IN_STACKS)
    it(`finds nothing more in ${what}`, async () => {
      await fuzzStack(Buffer.from(base64, 'base64'));
    });

  it('finds nothing in the layers of all cases', async () => {
    const folder = await temporaryDirectory('seeds');
    const written = await writeSeeds(folder);
    assert.ok(written > 200);
    for (const name of readdirSync(folder)) await fuzz(readFileSync(join(folder, name)));
  });

  for (const target of ['stack', 'two-bases'])
    it(`runs for as long as it is told: ${target}`, () => {
      const main = fileURLToPath(new URL('main.js', import.meta.url));
      const words = [main, '--seconds', '3', '--seed', '1', '--target', target];
      const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, /[1-9]\d* inputs run, [1-9]\d* kept, [1-9]\d* parts of the program/);
    });

  it('takes only what layers may fail with for no finding', () => {
    const refused = new Failure('layer-refused', 'as expected');
    assert.equal(
      outcome(() => {
        throw refused;
      }),
      refused,
    );
    for (const error of [new Failure('disk-full', 'not of a layer'), new TypeError('a bug')]) {
      assert.throws(
        () =>
          outcome(() => {
            throw error;
          }),
        error,
      );
    }
  });

  it('compares trees by what is in them, and failures by their codes', () => {
    assertSame(new Map([['a', [1]]]), new Map([['a', [1]]]), 'maps');
    assertSame(new Failure('layer-refused', 'one'), new Failure('layer-refused', 'other'), 'failures');
    assert.throws(() => assertSame(new Map([['a', [1]]]), new Map([['a', [2]]]), 'maps'), /maps/);
    assert.throws(() => assertSame(new Failure('layer-refused', 'x'), [], 'kinds'), /kinds/);
  });

  it('makes the same of the same numbers', () => {
    const [input, other] = [Buffer.alloc(3000, 'input'), Buffer.alloc(2000, 'other')];
    for (let seed = 0; seed < 200; seed++) {
      const mutated = mutate(randomOf(seed), input, other);
      assert.deepEqual(mutated, mutate(randomOf(seed), input, other));
    }
    assert.deepEqual(input, Buffer.alloc(3000, 'input'));
  });
});
