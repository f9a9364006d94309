import type { ImageMeter } from '../image/image-limits.ts';
import type { ResolvedImage } from '../image/image.ts';
import { flatId, flatPath } from '../image/layout.ts';
import { areTreesPublished } from '../published/published.ts';
import { hexOf } from '../../core/oci/digest.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { atOnce } from '../../core/turns.ts';
import { mergeLayer } from '../tree/merge.ts';
import {
  EMPTY_TREE,
  IMPLIED_ATTRIBUTES,
  NO_XATTRS,
  type DirectoryNode,
  type LayerDirectoryNode,
  type LayerNode,
  type TreeNode,
} from '../tree/node.ts';
import { nodeAt, resolvePath } from '../tree/resolve.ts';
import { mountPoints, startupFiles } from './apptainer/startup-files.ts';
import type { StartupEntry } from './apptainer/startup-entry.ts';
import type { Output } from './output.ts';
import { isLinked, PublicLinks } from './public-links.ts';

/** The whole root file system, with what apptainer needs to start it, and the public names that lead to it. */
export const flatOutput: Output = {
  name: 'flat',
  trees: ({ image, stack, linked, meter }) => {
    const location = flatLocation(image);
    const rootfs = stack.at(-1)?.rootfs ?? EMPTY_TREE;
    const startup = startupLayer(rootfs, startupFiles(image.config), meter);
    return [
      {
        ...location,
        path: location.root,
        rootNode: atOnce(mergeLayer(rootfs, startup, meter)),
        metadata: [],
        files: linked ? 'linked' : 'copied',
        rules: 2,
      },
    ];
  },
  collect: (context) => new PublicLinks(context),
  isPublished: async (view, image) =>
    (await areTreesPublished(view, [flatLocation(image)])) && (await isLinked(view, image)),
};

function flatLocation({ manifest }: ResolvedImage) {
  const id = flatId(manifest);
  return { kind: 'flat', hex: hexOf(id), root: flatPath(id) } as const;
}

/**
 * Start-up files as a layer on top of the image. `.singularity.d` belongs to the runtime; everything else is added only
 * where the image has nothing.
 */
function startupLayer(
  image: DirectoryNode,
  files: readonly StartupEntry[],
  meter: ImageMeter,
): LayerDirectoryNode {
  const root = newFolder(true);
  for (const entry of [...files, ...mountPoints]) {
    if (isRuntimes(entry.path) || !isTaken(image, entry.path, meter)) place(root, entry);
  }
  return root;
}

function isRuntimes(path: string): boolean {
  return path === '.singularity.d' || path.startsWith('.singularity.d/');
}

function isTaken(image: DirectoryNode, path: BytePath, meter: ImageMeter): boolean {
  const slash = path.lastIndexOf('/');
  const folder = slash === -1 ? '' : resolvePath<TreeNode>(image, path.slice(0, slash), meter);
  if (folder === undefined) return true;
  const node = nodeAt<TreeNode>(image, folder);
  if (node === undefined) return false;
  return node.type !== 'directory' || node.children.has(path.slice(slash + 1));
}

interface Folder extends LayerDirectoryNode {
  readonly children: Map<string, LayerNode>;
  readonly folders: Map<string, Folder>;
}

function newFolder(implied: boolean, mode = IMPLIED_ATTRIBUTES.mode): Folder {
  const attributes = { ...IMPLIED_ATTRIBUTES, mode };
  return {
    type: 'directory',
    attributes,
    xattrs: NO_XATTRS,
    children: new Map(),
    folders: new Map(),
    opaque: false,
    implied,
    bringsAnything: true,
  };
}

function place(root: Folder, entry: StartupEntry): void {
  const components = entry.path.split('/');
  const name = components.pop() ?? '';
  let folder = root;
  for (const component of components) {
    const next = folder.folders.get(component) ?? newFolder(true);
    put(folder, component, next);
    folder = next;
  }
  if (entry.type === 'directory') put(folder, name, newFolder(false, entry.mode));
  else folder.children.set(name, toNode(entry));
}

function put(parent: Folder, name: string, folder: Folder): void {
  parent.children.set(name, folder);
  parent.folders.set(name, folder);
}

function toNode(entry: Exclude<StartupEntry, { type: 'directory' }>): LayerNode {
  const attributes = { ...IMPLIED_ATTRIBUTES, mode: entry.mode };
  switch (entry.type) {
    case 'symlink':
      return { type: 'symlink', attributes, target: Buffer.from(entry.target).toString('latin1') };
    case 'file': {
      const bytes = Buffer.from(entry.content);
      return {
        type: 'file',
        attributes,
        xattrs: NO_XATTRS,
        sizeBytes: bytes.length,
        source: { kind: 'bytes', bytes },
      };
    }
  }
}
