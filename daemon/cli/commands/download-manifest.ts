import { Failure } from '../../../core/failure.ts';
import { isPattern, parseReference, type ImageReference } from '../../../core/oci/reference.ts';
import type { Command } from '../command.ts';
import { withRegistry } from '../../cycle/publishing.ts';

export const downloadManifestCommand: Command = {
  name: 'download-manifest',
  aliases: ['get-manifest'],
  summary: 'Print the manifest of an image, byte for byte as the registry has it',
  arguments: [{ name: 'IMAGE', description: 'REGISTRY/REPOSITORY[:TAG][@DIGEST]' }],
  examples: [
    {
      line: 'unpackd download-manifest docker.io/library/alpine:3.20',
      meaning: 'the manifest for linux/amd64, its digest checked',
    },
  ],
  options: [],
  run: async (context) => {
    const [image = ''] = context.arguments;
    const reference = parseReference(image);
    assertOneImage(reference, image);
    const manifest = await withRegistry(context, async (client) => await client.fetchManifest(reference));
    context.output.raw(manifest.bytes);
    return 0;
  },
};

function assertOneImage({ tag }: ImageReference, image: string): void {
  if (tag === undefined || !isPattern(tag)) return;
  throw new Failure('reference-invalid', `${JSON.stringify(image)} is a pattern, and may mean many images`, {
    hint: 'name one tag',
  });
}
