import type { ExitStatus } from '../../output/exit-status.ts';
import type { Context } from '../../output/context.ts';
import { Failure } from '../../../core/failure.ts';
import { isPattern, parseReference, type ImageReference } from '../../../core/oci/reference.ts';
import { withRegistry } from '../../cycle/publishing.ts';

export async function printManifest(context: Context): Promise<ExitStatus> {
  const [image = ''] = context.arguments;
  const reference = parseReference(image);
  assertOneImage(reference, image);
  const manifest = await withRegistry(context, async (client) => await client.fetchManifest(reference));
  context.output.raw(manifest.bytes);
  return 0;
}

function assertOneImage({ tag }: ImageReference, image: string): void {
  if (tag === undefined || !isPattern(tag)) return;
  throw new Failure('reference-invalid', `${JSON.stringify(image)} is a pattern, and may mean many images`, {
    hint: 'name one tag',
  });
}
