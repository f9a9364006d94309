import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROJECT, textOf } from '../../docs/project.ts';

interface Report {
  readonly failures: readonly { readonly fullTitle: string; readonly err: { readonly message: string } }[];
  readonly pending: readonly { readonly fullTitle: string }[];
}

const SUITES = fileURLToPath(new URL('suites.js', import.meta.url));

/** What mocha says of the suites whose names match `pattern`. */
function reportOf(pattern: string, environment: NodeJS.ProcessEnv = {}): Report {
  const mocha = join(PROJECT, 'node_modules/mocha/bin/mocha.js');
  const words = [mocha, '--no-config', '--reporter', 'json', '--grep', pattern, SUITES];
  const env = { ...process.env, TEST_ALL: undefined, ...environment };
  return JSON.parse(spawnSync(process.execPath, words, { encoding: 'utf8', env }).stdout) as Report;
}

const titles = (tests: readonly { readonly fullTitle: string }[]): string[] =>
  tests.map(({ fullTitle }) => fullTitle);

describe('support-tests/programs/programs', () => {
  it('skips suites and tests with their names and the reason, and runs no hook of a skipped suite', () => {
    const { failures, pending } = reportOf('^a (?:suite|test)');
    assert.deepEqual(failures, []);
    assert.deepEqual(titles(pending), [
      'a suite [without no-such-program] has a test',
      'a suite [without no-such-program] within has another',
      'a suite with what it needs has a test [without no-such-program]',
      'a test is skipped for a reason [of the weather]',
    ]);
  });

  it('is missed with TEST_ALL', () => {
    const { failures, pending } = reportOf('^a (?:suite|test)', { TEST_ALL: 'true' });
    assert.deepEqual(
      failures.map(({ fullTitle, err }) => [fullTitle, err.message]),
      [
        ['a suite has what it needs', 'TEST_ALL is set: no-such-program must be there'],
        ['a suite with what it needs has a test', 'TEST_ALL is set: no-such-program must be there'],
      ],
    );
    assert.deepEqual(titles(pending), ['a test is skipped for a reason [of the weather]']);
  });

  it('is not asked for by a hook, nor does one skip: others would run without what it makes', () => {
    const { failures } = reportOf('^a hook');
    assert.equal(failures.length, 8);
    for (const { fullTitle, err } of failures)
      assert.match(err.message, fullTitle.includes('needs something') ? /describeWith/ : /cannot be skipped/);
  });

  it('is asked for in one way everywhere', () => {
    const files = readdirSync(join(PROJECT, 'test'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && name !== 'support/programs.ts')
      .map((name) => `test/${name}`);
    assert.deepEqual(
      files.filter((file) => /(?:this|context)\.skip\(/.test(textOf(file))),
      [],
    );
  });
});
