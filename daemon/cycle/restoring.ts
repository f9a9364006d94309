import { formatPlatform } from '../../core/oci/platform.ts';
import { parsePlatformName } from '../../publisher/image/layout.ts';
import type { NamesPublisher } from '../../publisher/removal/removal.ts';
import { removedName, type RemovedName } from '../../publisher/removal/removed-image.ts';
import { restoreName, type RestoreOptions, type RestoreOutcome } from '../../publisher/removal/restore.ts';
import type { RecordedImage } from '../state/state.ts';
import type { StateStore } from './state-store.ts';

export interface Restored {
  readonly outcome: RestoreOutcome;
  /** What was kept of the image before. */
  readonly removed: RemovedName | undefined;
}

/**
 * Gives a public name again that was taken back, and records it: what a plan does not know of would stay for ever, also once its
 * line or its tag is gone.
 *
 * @throws Failure: nothing has changed then
 */
export async function restoreRecorded(
  publisher: NamesPublisher & { readonly name: string },
  store: Pick<StateStore, 'use'>,
  options: RestoreOptions & { readonly name: string },
): Promise<Restored> {
  const { name } = options;
  const record = async (image: RemovedName): Promise<void> =>
    await store.use(undefined, async ({ images }) => await images.put(publisher.name, [recordOf(image)]));
  const removed = await removedName(publisher.view, name);
  // First: if this process dies once the name is there, no cycle finds it where its tag is gone, and no plan knows of it. A record
  // whose name never came goes with a plan; where nobody asks for it none would take that, and the name stays anyway.
  const onRestoring = options.isAskedFor ? record : undefined;
  const outcome = await restoreName(publisher, name, { ...options, onRestoring });
  // Again: a cycle that scanned the repository before the name was there has forgotten it.
  if (outcome === 'restored' && removed !== undefined) await record(removed);
  return { outcome, removed };
}

function recordOf({ publicName: name, manifest: { config, layers } }: RemovedName): RecordedImage {
  const { platform, publicName } = parsePlatformName(name);
  return {
    publicName,
    platform: formatPlatform(platform),
    image: undefined,
    config: config.digest,
    layers: layers.map(({ digest, sizeBytes: bytes }) => ({ digest, bytes })),
    publishedMs: undefined,
  };
}
