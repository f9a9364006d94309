import { isFailure } from '../../core/failure.ts';
import type { OutputName } from '../../core/outputs.ts';
import type { ReadyImage } from '../image/image.ts';
import { digestName, MANIFEST_FILE, manifestPath, metadataPath } from '../image/layout.ts';
import type { Collector, Refuse } from '../outputs/output.ts';
import { OUTPUTS } from '../outputs/outputs.ts';
import { isOurs, publishedName } from '../outputs/published-name.ts';
import { metadataFile, type Attributes, type FileEntry } from '../publication/entry.ts';
import type { RepositoryView } from '../publication/view.ts';
import { keptForFile, keptForOf } from '../published/name-notes.ts';

/** What is published besides, since a tag moves. */
export interface KeptImage {
  readonly files: readonly FileEntry[];
  /** Never fails. */
  readonly take: () => void;
  readonly warnings: readonly string[];
}

const NONE: KeptImage = { files: [], take: () => undefined, warnings: [] };

interface KeepingParts {
  readonly view: RepositoryView;
  readonly attributes: Attributes;
  readonly collectorOf: (output: OutputName) => Collector | undefined;
  readonly refuse: Refuse;
}

/**
 * Plans to publish under its digest what the name of `image` leads to until now, where somebody wants that. Only what unpackd
 * published counts, in the forms in which it is whole.
 */
export async function keptImage(image: ReadyImage, parts: KeepingParts): Promise<KeptImage> {
  const { view } = parts;
  if (image.keptDigests === undefined) return NONE;
  const old = await publishedName(view, image.publicName);
  if (old === undefined || old.manifest.config.digest === image.manifest.config.digest) return NONE;
  const publicName = digestName(image.publicName, old.manifest.digest);
  if (publicName === undefined || old.outputs.size === 0 || !(await isOurs(view, old))) return NONE;
  const isThere = (await view.kindOf(manifestPath(publicName))) !== undefined;
  // Asked for by its digest, it is nobody's to count among the old ones.
  if (isThere && (await keptForOf(view, publicName)) === undefined) return NONE;
  try {
    return await planned({ ...old, publicName, hasVariantLink: false }, image.publicName, parts);
  } catch (error) {
    if (!isFailure(error, 'repository-conflict')) throw error;
    const message = `what it led to before is not kept by its digest: ${error.message}`;
    return { ...NONE, warnings: [message] };
  }
}

async function planned(
  old: NonNullable<Awaited<ReturnType<typeof publishedName>>>,
  tag: string,
  { view, attributes, collectorOf, refuse }: KeepingParts,
): Promise<KeptImage> {
  const { publicName: name, manifest, platform, outputs } = old;
  await refuse({ path: manifestPath(name), type: 'file' });
  await refuse({ path: name, type: 'symlink' });
  const takes: (() => void)[] = [];
  for (const { name: output, recordFile } of OUTPUTS) {
    const record = recordFile === undefined ? undefined : await view.read(metadataPath(tag, recordFile));
    const image = { publicName: name, platform, manifest, outputs, hasVariantLink: false };
    const take = await collectorOf(output)?.restore?.(image, record);
    if (take !== undefined) takes.push(take);
  }
  const since = new Date(attributes.mtime * 1000).toISOString();
  return {
    files: [
      metadataFile(metadataPath(name, MANIFEST_FILE), manifest.bytes, attributes),
      keptForFile(name, { name: tag, since }, attributes),
    ],
    take: () => {
      for (const take of takes) take();
    },
    warnings: [],
  };
}
