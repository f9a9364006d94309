import assert from 'node:assert/strict';
import { referenceFinder } from '../../../daemon/verification/names.ts';

describe('daemon/verification/names', () => {
  it('knows which registries are asked over plain HTTP', () => {
    const find = referenceFinder({ registries: [{ ...EMPTY, host: 'plain.example', allowHttp: true }] });
    const schemes = ['plain.example/a:1', 'localhost:5000/a:1', 'quay.io/lab/tool:1', 'no image'].map(
      (name) => find(name)?.scheme,
    );
    assert.deepEqual(schemes, ['http', 'http', 'https', undefined]);
  });
});

const EMPTY = {
  file: '',
  line: 1,
  login: undefined,
  proxy: undefined,
  mirrors: [],
  concurrency: undefined,
  authorities: undefined,
  clientCertificate: undefined,
};
