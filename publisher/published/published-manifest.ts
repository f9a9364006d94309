import { z } from 'zod';
import type { Digest } from '../../core/oci/digest.ts';
import { digestSchema } from '../../core/oci/manifest.ts';
import { isForeignLayer } from '../../core/oci/media-types.ts';
import { parseIfValid } from '../../core/json.ts';

/** A published manifest, as far as it tells which trees the image may have. */
export interface PublishedManifest {
  readonly config: Digest;
  /** All that the document has, lowest first: those that registries do not distribute may have been left out. */
  readonly layers: readonly { readonly digest: Digest; readonly isForeign: boolean }[];
}

const ManifestSchema = z.object({
  config: z.object({ digest: digestSchema }),
  layers: z.array(z.object({ digest: digestSchema, mediaType: z.string().nullish() })),
});

/** @returns `undefined` for no bytes, and for what is no manifest of an image whose config and layers are all named by SHA-256 */
export function parsePublishedManifest(bytes: Buffer | undefined): PublishedManifest | undefined {
  const found = parseIfValid(ManifestSchema, bytes);
  return (
    found && {
      config: found.config.digest,
      layers: found.layers.map(({ digest, mediaType }) => ({
        digest,
        isForeign: isForeignLayer(mediaType ?? ''),
      })),
    }
  );
}
