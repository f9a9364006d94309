import { posix } from 'node:path';
import type { ImageMeter } from '../image/image-limits.ts';
import type { NamedImage } from '../image/image.ts';
import { flatId, flatPath } from '../image/layout.ts';
import { areTreesPublished, hasTraces } from '../published/published.ts';
import { hexOf } from '../../core/oci/digest.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { atOnce } from '../../core/turns.ts';
import { mergeLayer } from '../tree/merge.ts';
import {
  EMPTY_TREE,
  IMPLIED_ATTRIBUTES,
  NO_XATTRS,
  type DirectoryNode,
  type FileNode,
  type LayerDirectoryNode,
  type LayerNode,
  type SymbolicLinkNode,
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
  references: ({ config: digest, layers }) => {
    const foreign = layers.flatMap(({ isForeign }, index) => (isForeign ? [index] : []));
    const ways = foreign.length === 0 ? [foreign] : [[], foreign];
    return ways.map((skipped) => ({ kind: 'flat', hex: hexOf(flatId({ config: { digest }, skipped })) }));
  },
  collect: (context) => new PublicLinks(context),
  isPublished: async (view, image) =>
    (await areTreesPublished(view, [flatLocation(image)])) && (await isLinked(view, image)),
  hasTraces: async (view, image) =>
    (await view.kindOf(image.publicName)) !== undefined || (await hasTraces(view, flatLocation(image))),
};

function flatLocation({ manifest }: Pick<NamedImage, 'manifest'>) {
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
  const folders = new Map([['', root]]);
  /** Bounded: by the paths of our own files. */
  const put = (path: BytePath, node: ReturnType<typeof toNode>): void => {
    const { dir, base } = posix.parse(path);
    let parent = folders.get(dir);
    if (parent === undefined) {
      parent = newFolder(true);
      put(dir, parent);
    }
    parent.children.set(base, node);
    if (node.type === 'directory') folders.set(path, node);
  };
  for (const entry of [...files, ...mountPoints]) {
    const isRuntimes = /^\.singularity\.d(?:\/|$)/.test(entry.path);
    if (isRuntimes || !isTaken(image, entry.path, meter)) put(entry.path, toNode(entry));
  }
  return root;
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
}

function newFolder(implied: boolean, mode = IMPLIED_ATTRIBUTES.mode): Folder {
  return {
    type: 'directory',
    attributes: { ...IMPLIED_ATTRIBUTES, mode },
    xattrs: NO_XATTRS,
    children: new Map(),
    opaque: false,
    implied,
    bringsAnything: true,
  };
}

function toNode(entry: StartupEntry): Folder | FileNode | SymbolicLinkNode {
  const attributes = { ...IMPLIED_ATTRIBUTES, mode: entry.mode };
  switch (entry.type) {
    case 'directory':
      return newFolder(false, entry.mode);
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
