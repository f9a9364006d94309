import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { layerContents } from '../../../publisher/layer/content.ts';
import { listLayer } from '../../../publisher/layer/listing.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { mergedTree, treeOf } from '../tree/at-once.ts';
import { EMPTY_TREE, type DirectoryNode } from '../../../publisher/tree/node.ts';
import type { LayerEntry } from '../../support/images/layer-entry.ts';
import { archiveOf } from '../layer/archive.ts';
import { inodeOf, nodesOf } from '../tree/stack.ts';
import type { PathFacts } from './lines.ts';

/** A layer as a registry has it. */
export interface LayerBlob {
  readonly digest: Digest;
  readonly diffId: Digest;
  readonly bytes: Buffer;
}

export async function blobsOf(
  layers: readonly (readonly LayerEntry[])[],
  compress: (archive: Buffer) => Buffer = (archive) => gzipSync(archive),
): Promise<LayerBlob[]> {
  const blobs: LayerBlob[] = [];
  for (const entries of layers) {
    const archive = await archiveOf(...entries);
    const bytes = compress(archive);
    const diffId = digestOf(bytes.length === 0 ? bytes : archive);
    blobs.push({ digest: digestOf(bytes), diffId, bytes });
  }
  return blobs;
}

/** The image as our own parts make it: listed, built, merged, and its contents read. */
export async function factsOfImage(folder: string, blobs: readonly LayerBlob[]): Promise<PathFacts[]> {
  let tree: DirectoryNode = EMPTY_TREE;
  for (const { digest, diffId, bytes } of blobs) {
    const path = blobPath(folder, digest);
    await writeFile(path, bytes);
    tree = mergedTree(tree, treeOf(await listLayer(path, diffId), digest).root);
  }
  const contents = await contentsOf(folder, tree);
  return [...nodesOf(tree, '')].flatMap(([path, node]): PathFacts[] => {
    if (!('attributes' in node)) return [];
    const { attributes, type } = node;
    const inode = node.type === 'file' ? inodeOf(node) : path;
    const device = 'major' in node ? { major: node.major, minor: node.minor } : { major: 0, minor: 0 };
    const text = node.type === 'symlink' ? node.target : (contents.get(inode) ?? '');
    const xattrs = 'xattrs' in node ? node.xattrs : new Map<string, string>();
    return [{ path, type, ...attributes, ...device, text, xattrs, inode }];
  });
}

/** What each file holds, read from the blobs as a publication does. */
async function contentsOf(folder: string, tree: DirectoryNode): Promise<Map<string, string>> {
  const wanted = new Map<Digest, Map<number, string>>();
  for (const [, node] of nodesOf(tree, '')) {
    if (node.type !== 'file' || node.source.kind !== 'layer') continue;
    const { layer, ordinal } = node.source;
    wanted.set(layer, (wanted.get(layer) ?? new Map<number, string>()).set(ordinal, inodeOf(node)));
  }
  const contents = new Map<string, string>();
  for (const [layer, files] of wanted) {
    for await (const { path, content } of layerContents(
      { path: blobPath(folder, layer), digest: layer },
      files,
    )) {
      const parts: Uint8Array[] = [];
      for await (const part of content) parts.push(part);
      contents.set(path, Buffer.concat(parts).toString('latin1'));
    }
  }
  return contents;
}

function blobPath(folder: string, digest: Digest): string {
  return join(folder, digest.replace(':', '-'));
}

function digestOf(bytes: Buffer): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
