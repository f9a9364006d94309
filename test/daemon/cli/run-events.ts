import type { Event, ImageResult } from '../../../publisher/image/events.ts';
import type { Digest } from '../../../core/oci/digest.ts';

export const LAYER: Digest = `sha256:${'a'.repeat(64)}`;
export const BROKEN_LAYER: Digest = `sha256:${'b'.repeat(64)}`;
export const CONFIG: Digest = `sha256:${'c'.repeat(64)}`;
export const GOOD = 'quay.io/lab/a:1';
export const BAD = 'quay.io/lab/b:1';

export const PUBLISHED = {
  outcome: 'published',
  config: CONFIG,
  publicPath: 'quay.io/lab/a:1',
  flatPath: `.flat/cc/${'c'.repeat(64)}`,
} as const satisfies ImageResult;

export const FAILED: ImageResult = {
  outcome: 'failed',
  code: 'digest-mismatch',
  message: 'https://ada:s3cret@quay.io sent\nother bytes',
  hint: 'ask the registry',
};

/** A run over one image that is published, and one that fails for its layer. */
export const EVENTS: readonly Event[] = [
  { type: 'images', count: 2 },
  { type: 'image-started', image: GOOD },
  { type: 'layer-started', image: GOOD, layer: LAYER, sizeBytes: 2000 },
  { type: 'layer-bytes', layer: LAYER, bytes: 500 },
  { type: 'image-started', image: BAD },
  { type: 'layer-started', image: BAD, layer: BROKEN_LAYER, sizeBytes: 8000 },
  { type: 'warning', message: 'slow\nregistry' },
  { type: 'layer-bytes', layer: LAYER, bytes: 1500 },
  { type: 'layer-finished', image: GOOD, layer: LAYER, sizeBytes: 2000, error: undefined },
  { type: 'layer-finished', image: BAD, layer: BROKEN_LAYER, sizeBytes: 8000, error: 'other bytes' },
  { type: 'image-finished', image: BAD, result: FAILED },
  { type: 'publication-started', repository: 'unpacked.example.org', images: 1, contentBytes: 6000 },
  { type: 'publication-bytes', bytes: 6000 },
  { type: 'publication-finished', repository: 'unpacked.example.org', layers: [LAYER], error: undefined },
  { type: 'image-finished', image: GOOD, result: PUBLISHED },
];
