import type { ExitStatus } from '../../output/exit-status.ts';
import type { Context } from '../../output/context.ts';
import { Failure } from '../../../core/failure.ts';
import { isPattern, parseReference } from '../../../core/oci/reference.ts';
import { withRegistry } from '../../cycle/publishing.ts';

export async function printManifest(context: Context): Promise<ExitStatus> {
  const [image = ''] = context.arguments;
  const reference = parseReference(image);
  if (reference.tag !== undefined && isPattern(reference.tag)) {
    const message = `${JSON.stringify(image)} is a pattern, and may mean many images`;
    throw new Failure('reference-invalid', message, { hint: 'name one tag' });
  }
  const manifest = await withRegistry(context, async (client) => await client.fetchManifest(reference));
  context.output.raw(manifest.bytes);
  return 0;
}
