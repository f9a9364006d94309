import type { BytePath } from '../../core/system/byte-path.ts';

/** What the layer has of a file that may be an extra one. */
interface Named {
  readonly type: string;
  readonly path: BytePath;
  readonly sizeBytes: number;
}

/**
 * Whether the member marks what a snapshotter is to prefetch: it is no part of the image (stargz-snapshotter,
 * docs/estargz.md, "Landmark Files"). Told by the archive alone, never by how the blob is packed: an image names its layers'
 * archives, and has the same files however these are packed.
 */
export function isLandmark({ type, path, sizeBytes }: Named): boolean {
  const isNamedSo = path === '.prefetch.landmark' || path === '.no.prefetch.landmark';
  return isNamedSo && type === 'file' && sizeBytes === 1;
}

/** Whether the member, which is the last of its layer but for landmarks, is the index by which a snapshotter finds the others. */
export function isIndex({ type, path }: Named): boolean {
  return path === 'stargz.index.json' && type === 'file';
}
