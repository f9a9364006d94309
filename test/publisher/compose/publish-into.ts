import { ANY_IMAGE } from '../../../publisher/image/image-limits.ts';
import { publishingContext } from '../../../publisher/pipeline/context.ts';
import type { Event } from '../../../publisher/image/events.ts';
import type { Outputs } from '../../../core/outputs.ts';
import type { ReadyImage } from '../../../publisher/image/image.ts';
import type { ListingStore } from '../../../publisher/layer/listing-store.ts';
import type { ReadyCandidate } from '../../../publisher/pipeline/publication.ts';
import { publishBatch } from '../../../publisher/pipeline/publish-batch.ts';
import type { Backend } from '../../../publisher/publication/backend.ts';
import { uninterrupted } from '../repository/entries.ts';
import assert from 'node:assert/strict';

/** Where images are published. */
export interface Place {
  readonly backend: Backend;
  readonly name: string;
  readonly listings: ListingStore;
  readonly outputs: Outputs;
  /** Takes what users are told. */
  readonly say: (message: string) => void;
}

/** Publishes images in one batch; the outcome of each, or the code of its failure. */
export async function publishInto(place: Place, images: readonly ReadyImage[]): Promise<string[]> {
  const { backend, name, listings, outputs, say } = place;
  const batch = images.map((image): ReadyCandidate => {
    const { reference, publicName } = image;
    const wanted = { reference, publicName, outputs: undefined, platforms: undefined, isNamed: true };
    const resolved = { ...image, outputs };
    return { part: { wanted, platform: undefined }, resolved, missing: [], image: resolved };
  });
  const context = publishingContext({
    repository: name,
    backend,
    listings,
    observe: (event: Event): void => ('message' in event ? say(event.message) : undefined),
    signal: uninterrupted().signal,
    options: {
      convertAgain: false,
      overwriteLayers: false,
      clientRoot: `/cvmfs/${name}`,
      imageLimits: ANY_IMAGE,
      onLoss: 'warn',
      sameContent: 'exact',
    },
  } as never);
  const { results, stopped } = await publishBatch(batch, context);
  if (stopped !== undefined) throw stopped;
  return batch.map((candidate) => {
    const result = results.get(candidate);
    assert.ok(result !== undefined);
    return result.outcome === 'failed' ? result.code : result.outcome;
  });
}
