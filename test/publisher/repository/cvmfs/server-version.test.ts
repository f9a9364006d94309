import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readServerVersion } from '../../../../publisher/repository/cvmfs/server-version.ts';
import { createCvmfsFixture } from '../../../support/cvmfs-server/fixture.ts';
import { temporaryDirectory } from '../../../support/setup.ts';

async function program(script: string): Promise<string> {
  const path = join(await temporaryDirectory('version'), 'cvmfs_server');
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

describe('readServerVersion', () => {
  for (const [release, minor] of [
    ['2.12', 12],
    ['2.14', 14],
  ] as const) {
    it(`finds ${release} in the usage that it prints`, async () => {
      const fixture = await createCvmfsFixture(release);
      const version = await readServerVersion(fixture.command);
      await fixture.close();
      assert.deepEqual(version, { major: 2, minor });
    });
  }

  const USAGE = 'Usage: cvmfs_server COMMAND [options] <parameters>';
  const CASES: readonly (readonly [what: string, script: string, expected: object | undefined])[] = [
    [
      'the head of a long usage',
      `echo 'CernVM-FS Server Tool 2.13.2-1'; seq 100000; exit 3`,
      { major: 2, minor: 13 },
    ],
    ['a warning in front', `echo WARNING; echo 'CernVM-FS Server Tool 2.9.4-1'`, { major: 2, minor: 9 }],
    ['a preliminary release', `echo 'CernVM-FS Server Tool 2.14.0~rc1-1'; exit 2`, { major: 2, minor: 14 }],
    ['a title without version', `echo 'CernVM-FS Server Tool '; echo '${USAGE}'; exit 3`, undefined],
    ['another program', 'echo 2.14.0', undefined],
    ['nothing', 'exit 1', undefined],
  ];
  for (const [what, script, expected] of CASES) {
    it(`${expected === undefined ? 'finds nothing in' : 'finds it in'} ${what}`, async () => {
      assert.deepEqual(await readServerVersion(await program(script)), expected);
    });
  }

  it('finds nothing where there is no program', async () => {
    assert.equal(await readServerVersion('/nowhere/cvmfs_server'), undefined);
  });
});
