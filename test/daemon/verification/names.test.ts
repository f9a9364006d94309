import assert from 'node:assert/strict';
import { namesMeantBy, namesToSuggest, referenceFinder } from '../../../daemon/verification/names.ts';

const NAMES = [
  'quay.io/lab/tool:1',
  '.multiarch/arm64/quay.io/lab/tool:1',
  'folder/quay.io/lab/tool:1',
  'quay.io/lab/tool:2',
  'no image',
];

describe('daemon/verification/names', () => {
  const cases: [image: string, meant: readonly number[]][] = [
    ['quay.io/lab/tool:1', [0, 1, 2]],
    ['.multiarch/arm64/quay.io/lab/tool:1', [1]],
    ['folder/quay.io/lab/tool:1', [2]],
    ['quay.io/lab/tool', []],
    ['no image', [4]],
  ];
  for (const [image, meant] of cases)
    it(`finds what is meant by ${image}`, () => {
      assert.deepEqual(
        namesMeantBy(image, NAMES),
        meant.map((index) => NAMES[index]),
      );
    });

  it('suggests names without their platforms', () => {
    assert.deepEqual(namesToSuggest(NAMES), [NAMES[0], NAMES[2], NAMES[3], NAMES[4]]);
  });

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
