import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { assertBackendMeant } from '../../../daemon/configuration/repositories.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describe('daemon/configuration/repositories', () => {
  let cvmfsConfiguration: string;

  before(async () => {
    cvmfsConfiguration = await temporaryDirectory('server');
    await mkdir(join(cvmfsConfiguration, 'repositories.d', 'lab.example.org'), { recursive: true });
  });

  it('is no directory tree unless somebody says so', () => {
    const byDefault = { backend: 'directory', isBackendChosen: false, cvmfsConfiguration } as const;
    assert.throws(() => assertBackendMeant(byDefault, 'lab.example.org'), { code: 'repository-unusable' });
    assertBackendMeant({ ...byDefault, isBackendChosen: true }, 'lab.example.org');
    assertBackendMeant({ ...byDefault, backend: 'cvmfs', isBackendChosen: true }, 'lab.example.org');
    assertBackendMeant(byDefault, 'other.example.org');
    assertBackendMeant({ ...byDefault, cvmfsConfiguration: '/nonexistent' }, 'lab.example.org');
  });
});
