import { createHash } from 'node:crypto';
import type { ImageRecord, LayerRecord } from '../../../../publisher/outputs/podman/image-record.ts';
import type { PublishedImage } from '../../../../publisher/outputs/podman/store.ts';
import type { Digest } from '../../../../core/oci/digest.ts';

/** The digest of `text`: tests name blobs by words. */
export function digestOf(text: string): Digest {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** A layer that is called `name`, of its own content unless `content` says otherwise. */
export function layerRecord(name: string, content = name): LayerRecord {
  return {
    digest: digestOf(`blob ${name}`),
    size: 100,
    diffId: digestOf(`content ${content}`),
    diffSize: 1000,
    compression: 'gzip',
  };
}

/** An image that is published as `publicName`, which is also what podman calls it unless `more` says otherwise. */
export function published(
  publicName: string,
  layers: readonly (string | LayerRecord)[],
  more: Partial<ImageRecord> = {},
): PublishedImage {
  const all = layers.map((layer) => (typeof layer === 'string' ? layerRecord(layer) : layer));
  const content = JSON.stringify(all.map(({ diffId }) => diffId));
  const record = {
    name: publicName,
    config: { digest: digestOf(`config ${content}`), size: 10 },
    manifest: { digest: digestOf(`manifest ${JSON.stringify(all)}`), size: 20 },
    created: '2024-01-02T03:04:05.000Z',
    layers: all,
    ...more,
  };
  return { publicName, record };
}
