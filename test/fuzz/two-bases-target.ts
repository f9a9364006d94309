import { assertSameInAnyOrder, imagesOf, randomTwoBases } from '../publisher/compose/two-bases.ts';
import { Workshop } from '../publisher/compose/workshop.ts';
import { choicesOf } from './choices.ts';
import { watched } from './invariants.ts';

/** Six publications, and the disk has its part in them. */
const LONGEST_MS = 30_000;

/** The input as the choices that make layers over two bases: what is published must be the same whichever image comes first. */
export async function fuzz(data: Buffer): Promise<void> {
  await watched(async () => {
    const workshop = await Workshop.open();
    try {
      await assertSameInAnyOrder(await imagesOf(randomTwoBases(choicesOf(data)), workshop), workshop);
    } finally {
      workshop.remove();
    }
  }, LONGEST_MS);
}
