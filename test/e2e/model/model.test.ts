import assert from 'node:assert/strict';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { remove } from '../../support/setup.ts';
import { mortalFileSystem } from './fate.ts';
import { FAULTS } from './faults.ts';
import { History, type Outcome } from './history.ts';
import { modelImages, type ModelImage } from './images.ts';
import type { Faults } from './machine.ts';

/** About twenty seconds of one core. `TEST_HISTORIES` says another number, and has it told what happened in them. */
const HISTORIES = 40;

describe('e2e/model/model', () => {
  const seed = Number(process.env['UNPACKD_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const histories = Number(process.env['TEST_HISTORIES'] ?? HISTORIES);
  let images: readonly ModelImage[];
  let immortal: () => void;

  before(async () => {
    images = await modelImages();
    immortal = mortalFileSystem();
  });
  after(() => immortal());

  async function run(number: number, faults: Faults = {}): Promise<Outcome> {
    // Nothing here has to survive a loss of power.
    const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'unpackd-model-'));
    try {
      return await new History({ seed: number, folder, images, faults }).run();
    } finally {
      remove(folder);
    }
  }

  it(`keeps what was promised in ${histories} histories (UNPACKD_TEST_SEED=${seed})`, async function () {
    this.timeout(0);
    const findings: string[] = [];
    const counts: Record<string, number> = {};
    const begun = process.cpuUsage();
    for (let number = seed; number < seed + histories; number++) {
      const outcome = await run(number);
      for (const [what, count] of Object.entries(outcome.counts))
        counts[what] = (counts[what] ?? 0) + Number(count);
      if (outcome.wrong.length > 0)
        findings.push(`seed ${number}:\n${outcome.wrong.join('\n')}\n${outcome.steps.join('\n')}`);
    }
    const { user, system } = process.cpuUsage(begun);
    if (process.env['TEST_HISTORIES'] !== undefined)
      process.stdout.write(
        `${JSON.stringify(counts)}, ${((user + system) / 1e6).toFixed(0)} s of processors, ${findings.length} findings\n`,
      );
    assert.equal(findings.length, 0, findings.slice(0, 5).join('\n\n'));
  });

  for (const { what, seen, install = nothing, ...faults } of FAULTS) {
    it(`catches ${what}`, async () => {
      const undo = install();
      try {
        for (let number = 0; number < MOST_TRIES; number++) {
          const { wrong } = await run(number, faults);
          if (wrong.some((text) => seen.test(text))) return;
        }
      } finally {
        undo();
      }
      assert.fail(`${MOST_TRIES} histories found nothing`);
    });
  }
});

/** A fault is caught in the first few histories; more would only say that it is rare. */
const MOST_TRIES = 150;

function nothing(): () => void {
  return () => undefined;
}
