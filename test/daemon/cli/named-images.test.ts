import assert from 'node:assert/strict';
import { meantBy, namedImage, nothingIsCalled } from '../../../daemon/cli/named-images.ts';

const NAMES = [
  'quay.io/lab/tool:1',
  '.multiarch/arm64/quay.io/lab/tool:1',
  'folder/quay.io/lab/tool:1',
  'quay.io/lab/tool:2',
  'no image',
];
const IMAGES = NAMES.map(namedImage);

describe('daemon/cli/named-images', () => {
  const cases: [argument: string, meant: readonly number[]][] = [
    ['quay.io/lab/tool:1', [0, 1, 2]],
    ['.multiarch/arm64/quay.io/lab/tool:1', [1]],
    ['folder/quay.io/lab/tool:1', [2]],
    ['quay.io/lab/tool', []],
    ['no image', [4]],
    ['quay.io/lab/*', [0, 1, 2, 3]],
    ['folder/*/tool:?', []],
    ['quay.io/*', []],
  ];
  for (const [argument, meant] of cases)
    it(`finds what is meant by ${argument}`, () => {
      assert.deepEqual(
        meantBy(argument, IMAGES).map(({ name }) => name),
        meant.map((index) => NAMES[index]),
      );
    });

  it('suggests what may be meant', () => {
    assert.throws(() => nothingIsCalled('quay.io/lab/tol:1', IMAGES, 'nothing is published as'), {
      message: 'nothing is published as quay.io/lab/tol:1',
      hint: /did you mean "?quay\.io\/lab\/tool:1/,
    });
  });
});
