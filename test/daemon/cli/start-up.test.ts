import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { environmentOf, MAIN } from '../../support/e2e/unpackd.ts';
import { temporaryDirectory } from '../../support/setup.ts';

const MAIN_PATH = fileURLToPath(new URL(`../../../${MAIN}`, import.meta.url));

const coverageSchema = z.object({ result: z.array(z.object({ url: z.string() })) });

/** Names of the packages of which a run loads something: V8 lists its scripts where coverage is asked for. */
async function loadedBy(...words: readonly string[]): Promise<string[]> {
  const folder = await temporaryDirectory('start-up');
  const coverage = join(folder, 'coverage');
  const places = ['--state', join(folder, 'state'), '--root', folder];
  const env = { ...environmentOf({}), NODE_V8_COVERAGE: coverage };
  const { status, stderr } = spawnSync(process.execPath, [MAIN_PATH, ...words, ...places], {
    env,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const urls = readdirSync(coverage).flatMap((name) =>
    coverageSchema.parse(JSON.parse(readFileSync(join(coverage, name), 'utf8'))).result.map(({ url }) => url),
  );
  assert.ok(urls.some((url) => url.endsWith('daemon/cli/run.js')));
  const packages = urls.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []);
  return [...new Set(packages)].sort();
}

describe('daemon/cli/start-up', () => {
  for (const words of [
    ['--version'],
    ['--help'],
    ['convert', '--help'],
    ['help', 'options'],
    ['completion', 'bash'],
  ]) {
    it(`loads no package for ${words.join(' ')}`, async () => {
      assert.deepEqual(await loadedBy(...words), []);
    });
  }

  for (const words of [['status'], ['pause']]) {
    it(`loads no client of registries, git or schedules for ${words.join(' ')}`, async () => {
      const loaded = await loadedBy(...words);
      for (const name of ['undici', 'simple-git', 'node-cron', 'semver', 'cli-progress', 'fzstd'])
        assert.ok(!loaded.includes(name), `${name} of ${loaded.join(', ')}`);
    });
  }
});
