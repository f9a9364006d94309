import { strict as assert } from 'node:assert';
import { isArtifactTag } from '../../../wishlist/tags/tag-selection.ts';

const [HEX, LONG] = ['0123456789abcdef'.repeat(4), '0123456789abcdef'.repeat(8)];

const CASES: readonly (readonly [tag: string, isArtifact: boolean])[] = [
  [`sha256-${HEX}`, true],
  [`sha256-${HEX}.sig`, true],
  [`sha256-${HEX}.att`, true],
  [`sha256-${HEX}.sbom`, true],
  [`sha256-${HEX}.cosign.bundle`, true],
  [`sha512-${HEX}`, true],
  [`sha512-${LONG}`, true],
  [`sha512-${LONG}.sig`, true],
  [`sha256-${HEX.slice(1)}`, false],
  [`sha256-${HEX}0`, false],
  [`sha256-${LONG}`, false],
  [`sha256-${HEX.toUpperCase()}`, false],
  [`sha256-${HEX}-amd64`, false],
  [`v1-sha256-${HEX}`, false],
  [HEX, false],
  ['sha256-latest', false],
  ['buildcache', false],
  ['1.0.sig', false],
];

describe('wishlist/tags/artifact-tag', () => {
  for (const [tag, isArtifact] of CASES) {
    it(`${tag} is ${isArtifact ? 'of an artifact' : 'any tag'}`, () => {
      assert.equal(isArtifactTag(tag), isArtifact);
    });
  }
});
