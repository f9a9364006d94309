import assert from 'node:assert/strict';
import { layerIds } from '../../../../publisher/outputs/podman/layer-ids.ts';
import type { Digest } from '../../../../core/oci/digest.ts';

const BASE: Digest = 'sha256:a86583c15e7e0059e675f74f1529bc53feb25440a429f9acaae142891bfbac36';
const ABOVE: Digest = 'sha256:ab5608ccad0bc464d61f232bb1490f22e7110c19e0d222b1f6f5b1bc5c471da5';
/** As podman 4.3.1 named the layer when it pulled an image of these two. */
const PULLED = '1c1cc10538916ab698c48894732d46f1ac961bab74980e1829533a0b8c1f0acd';

describe('podman-store/layer-ids', () => {
  it('are those of a pulled image', () => {
    assert.deepEqual(layerIds([BASE, ABOVE]), [BASE.slice(7), PULLED]);
  });

  it('are of their own for the same layer over others, and twice in an image', () => {
    const ids = [...layerIds([BASE, ABOVE, ABOVE]), ...layerIds([ABOVE, BASE])];
    assert.equal(new Set(ids).size, 5);
  });

  it('are none for an image without layers', () => {
    assert.deepEqual(layerIds([]), []);
  });
});
