import assert from 'node:assert/strict';
import { ANY_IMAGE, type ImageLimits } from '../../../publisher/image/image-limits.ts';
import type { RepositoryCapabilities } from '../../../publisher/publication/capabilities.ts';
import { file, hardLink, symlink, type LayerEntry } from '../../support/images/layer-entry.ts';
import type { Layer } from '../../support/images/layer.ts';
import { ATTACKS, type Attack } from './attacks.ts';
import { HOLDS_EVERYTHING, Workshop } from './workshop.ts';

describe('publisher/compose/attacks', () => {
  for (const attack of ATTACKS) {
    it(`plans ${attack.what} in few steps, or refuses it`, async () => {
      const limits = { ...ANY_IMAGE, steps: attack.steps ?? 1_000_000 };
      assert.deepEqual(await outcomes(attack.layers(), limits), [attack.outcome, 'added']);
    }).timeout(60_000);
  }

  it('lets a timer run while it plans', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const { layers } = ATTACKS.find(({ what }) => what.startsWith('many layers that change')) ?? missing();
    try {
      await outcomes(layers(), ANY_IMAGE);
    } finally {
      clearInterval(timer);
    }
    assert.ok(turns > 5, `the timer has run ${turns} times`);
  });

  /** Of each: two layers, their chains and the flat tree, with the start-up files there. */
  const STACK = [[file('a/f', 'xyz'), hardLink('a/g', 'a/f')], [symlink('s', 'a/f')]];
  /** Six names in the layer, the chain and the flat tree: with four to an inode, there are four copies. */
  const LINKS = [
    [file('f', 'x'.repeat(10_000)), ...[1, 2, 3, 4, 5].map((name) => hardLink(`h${name}`, 'f'))],
  ];
  const FEW_LINKS = { ...HOLDS_EVERYTHING, mostLinks: 4 };
  const limits: [
    limit: keyof ImageLimits,
    needed: number,
    stack: LayerEntry[][],
    capabilities: RepositoryCapabilities,
  ][] = [
    ['entries', 4, STACK, HOLDS_EVERYTHING],
    ['names', 59, STACK, HOLDS_EVERYTHING],
    ['inodes', 52, STACK, HOLDS_EVERYTHING],
    ['contentBytes', 2865, STACK, HOLDS_EVERYTHING],
    ['contentBytes', 12_529, LINKS, HOLDS_EVERYTHING],
    ['contentBytes', 12_529 + 4 * 10_000, LINKS, FEW_LINKS],
    ['inodes', 40, LINKS, HOLDS_EVERYTHING],
    ['inodes', 40 + 4, LINKS, FEW_LINKS],
  ];
  for (const [limit, needed, stack, capabilities] of limits) {
    const links = `${capabilities.mostLinks} names to an inode`;
    it(`takes ${needed} of ${limit} at the limit, with ${links}, and refuses more`, async () => {
      const most = { ...ANY_IMAGE, [limit]: needed };
      assert.deepEqual(await outcomes(stack, most, capabilities), ['added', 'added']);
      const [outcome] = await outcomes(stack, { ...most, [limit]: needed - 1 }, capabilities);
      assert.equal(outcome, 'image-too-large');
    });
  }

  function missing(): Attack {
    return assert.fail('there is no such attack');
  }

  /** What becomes of an image with these layers, and of a usual one in the same batch. */
  async function outcomes(
    stack: readonly (readonly LayerEntry[])[],
    limits: ImageLimits,
    capabilities = HOLDS_EVERYTHING,
  ): Promise<readonly string[]> {
    const workshop = await Workshop.open();
    const made = new Map<string, Layer>();
    const layers: Layer[] = [];
    for (const entries of stack) {
      const key = entries.length === 1 ? JSON.stringify(entries) : String(layers.length);
      const layer = made.get(key) ?? (await workshop.layer(...entries));
      made.set(key, layer);
      layers.push(layer);
    }
    const image = await workshop.image('reg.test/lab/attack:1', layers);
    const usual = await workshop.image('reg.test/lab/usual:1', [await workshop.layer(file('f', 'usual'))]);
    return (await workshop.plan([image, usual], { limits, capabilities })).outcomes;
  }
});
