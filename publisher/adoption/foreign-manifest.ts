import { z } from 'zod';
import { parseIfValid } from '../../core/json.ts';

/**
 * DUCC before 2.14 publishes no manifest as the registry served it, but what its own types keep of one, under their names:
 * `{"SchemaVersion":2,"MediaType":"…","Config":{"MediaType":"…","Size":1,"Digest":"…"},"Layers":[…]}`.
 */
const Descriptor = z.object({ MediaType: z.string(), Size: z.int().nonnegative(), Digest: z.string() });
const DuccManifest = z.object({
  SchemaVersion: z.int(),
  MediaType: z.string(),
  Config: Descriptor,
  Layers: z.array(Descriptor),
});

/**
 * The manifest that DUCC's `bytes` stand for, as the specification spells it; `undefined` where they are not DUCC's. What
 * the registry has is another document, since annotations and the order of keys are lost, but it means the same image: the
 * digests in it name all its content.
 *
 * @see OCI image specification 1.1, manifest.md
 */
export function standardManifest(bytes: Buffer): Buffer | undefined {
  const manifest = parseIfValid(DuccManifest, bytes);
  if (manifest === undefined) return undefined;
  const { SchemaVersion, MediaType, Config, Layers } = manifest;
  const document = {
    schemaVersion: SchemaVersion,
    ...(MediaType !== '' && { mediaType: MediaType }),
    config: descriptor(Config),
    layers: Layers.map(descriptor),
  };
  return Buffer.from(JSON.stringify(document));
}

function descriptor({ MediaType, Size, Digest }: z.output<typeof Descriptor>): object {
  return { mediaType: MediaType, digest: Digest, size: Size };
}
