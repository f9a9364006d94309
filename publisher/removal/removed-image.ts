import { z } from 'zod';
import { isFailure } from '../../core/failure.ts';
import { parseIfValid } from '../../core/json.ts';
import { sha256 } from '../../core/oci/digest.ts';
import {
  parseManifest,
  type LayerDescriptor,
  type Manifest,
  type ManifestDocument,
} from '../../core/oci/manifest.ts';
import { isOutputName, type OutputName } from '../../core/outputs.ts';
import type { NamedImage } from '../image/image.ts';
import { MANIFEST_FILE, parsePlatformName, removedPath } from '../image/layout.ts';
import { OUTPUTS } from '../outputs/outputs.ts';
import type { RepositoryView } from '../publication/view.ts';

/** Beside what is kept of an image that was taken back. */
export const REMOVED_FILE = 'removed.json';

const FORMAT = 1;

const RemovedSchema = z.object({
  format: z.literal(FORMAT),
  removed: z.iso.datetime(),
  reason: z.string(),
  /** In which forms it was published; names of outputs that are none any more are passed over. */
  outputs: z.array(z.string()),
  variant: z.boolean(),
  /** It was published without layers that registries do not distribute. */
  incomplete: z.boolean(),
});

/** A public name that was taken back, with what is needed to give it again. */
export interface RemovedName extends NamedImage {
  readonly manifest: Manifest;
  /** ISO 8601 */
  readonly removed: string;
  readonly reason: string;
  /** By name: manifest.json, and the records of outputs. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Names of the files of an image's metadata that are kept. */
export function keptFiles(): string[] {
  return [MANIFEST_FILE, ...OUTPUTS.flatMap(({ recordFile }) => recordFile ?? [])];
}

export function encodeRemoval(
  { outputs, hasVariantLink, manifest }: NamedImage,
  { reason, nowMs }: { readonly reason: string; readonly nowMs: number },
): Buffer {
  const document: z.infer<typeof RemovedSchema> = {
    format: FORMAT,
    removed: new Date(nowMs).toISOString(),
    reason,
    outputs: [...outputs],
    variant: hasVariantLink,
    incomplete: manifest.skipped.length > 0,
  };
  return Buffer.from(`${JSON.stringify(document)}\n`);
}

/** The names of all images of which something is kept. */
export async function removedNames(view: RepositoryView): Promise<string[]> {
  const [folder, file] = [removedPath('', '').slice(0, -1), `/${REMOVED_FILE}`];
  const names: string[] = [];
  for await (const { path, kind } of view.walk(folder.slice(0, -1)))
    if (kind === 'file' && path.endsWith(file)) names.push(path.slice(folder.length, -file.length));
  return names;
}

/** What is kept of the image whose name `name` was taken back; `undefined` for nothing, or nothing that can be read. */
export async function removedName(view: RepositoryView, name: string): Promise<RemovedName | undefined> {
  const document = parseIfValid(RemovedSchema, await view.read(removedPath(name, REMOVED_FILE)));
  const files = new Map<string, Buffer>();
  for (const file of keptFiles()) {
    const bytes = await view.read(removedPath(name, file));
    if (bytes !== undefined) files.set(file, bytes);
  }
  const bytes = files.get(MANIFEST_FILE);
  if (document === undefined || bytes === undefined) return undefined;
  const manifest = manifestOf(bytes, name, document.incomplete);
  if (manifest === undefined) return undefined;
  const { removed, reason, variant: hasVariantLink } = document;
  const { platform } = parsePlatformName(name);
  const outputs = new Set<OutputName>(document.outputs.filter(isOutputName));
  return { publicName: name, platform, hasVariantLink, manifest, outputs, removed, reason, files };
}

function manifestOf(bytes: Buffer, name: string, isIncomplete: boolean): Manifest | undefined {
  const document = readManifest(bytes, name);
  if (document?.kind !== 'image') return undefined;
  const { mediaType, config, layers } = document;
  const isSkipped = ({ isForeign }: LayerDescriptor): boolean => isIncomplete && isForeign;
  const skipped = layers.flatMap((layer, index) => (isSkipped(layer) ? [index] : []));
  const left = layers.filter((layer) => !isSkipped(layer));
  return { mediaType, digest: sha256(bytes), index: undefined, config, layers: left, skipped, bytes };
}

function readManifest(bytes: Buffer, name: string): ManifestDocument | undefined {
  try {
    return parseManifest(bytes, name);
  } catch (error) {
    if (isFailure(error)) return undefined;
    throw error;
  }
}
