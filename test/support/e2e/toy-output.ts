import { hash } from 'node:crypto';
import { posix } from 'node:path';
import { isOutputName, OUTPUT_FORMS, type OutputName } from '../../../core/outputs.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import type { ReadyImage, NamedImage } from '../../../publisher/image/image.ts';
import { treePath } from '../../../publisher/image/layout.ts';
import type { SymbolicLinkEntry } from '../../../publisher/publication/entry.ts';
import { areTreesPublished, type TreeLocation } from '../../../publisher/published/published.ts';
import { EMPTY_TREE, IMPLIED_ATTRIBUTES, NO_XATTRS, type FileNode } from '../../../publisher/tree/node.ts';
import {
  NOTHING_CHANGES,
  NOTHING_PLANNED,
  type Collector,
  type CollectorContext,
  type ImagePlan,
  type Output,
  type OutputChanges,
} from '../../../publisher/outputs/output.ts';

/**
 * An output that publishes a tree with a line of text for each image, and a link to that by its name, in `.toy`. Node loads
 * it before unpackd (`--import`); what is at its end would be a line in `core/outputs.ts`, and one in
 * `publisher/outputs/outputs.ts`.
 */
const NAME = 'toy';

/** By public name: made while the repository is not held. */
const prepared = new Map<string, string>();

class Links implements Collector {
  readonly #context: CollectorContext;
  readonly #links: SymbolicLinkEntry[] = [];
  readonly #outdated: string[] = [];

  constructor(context: CollectorContext) {
    this.#context = context;
  }

  async plan(image: ReadyImage): Promise<ImagePlan> {
    if (!prepared.has(image.publicName)) return await Promise.resolve(NOTHING_PLANNED);
    const link = this.#linkOf(image);
    return { ...NOTHING_PLANNED, entries: [link], take: () => this.#links.push(link) };
  }

  async withdraw(image: NamedImage): Promise<() => void> {
    const path = pathOf(image);
    const isThere = (await this.#context.view.kindOf(path)) === 'symlink';
    return () => void (isThere && this.#outdated.push(path));
  }

  async restore(image: NamedImage): Promise<(() => void) | undefined> {
    return await Promise.resolve(() => void this.#links.push(this.#linkOf(image)));
  }

  async changes(): Promise<OutputChanges> {
    return await Promise.resolve({ ...NOTHING_CHANGES, names: this.#links, outdated: this.#outdated });
  }

  #linkOf(image: NamedImage): SymbolicLinkEntry {
    const path = pathOf(image);
    const target = posix.relative(posix.dirname(path), `${locationOf(image.manifest.config).root}/line.txt`);
    return { type: 'symlink', path, target, attributes: { ...this.#context.attributes, mode: 0o777 } };
  }
}

function pathOf({ publicName }: NamedImage): string {
  return `.toy/${publicName}.txt`;
}

function lineOf({ manifest }: NamedImage): string {
  return `${manifest.layers.length} layers of ${manifest.config.digest}\n`;
}

function locationOf({ digest }: { readonly digest: Digest }): TreeLocation {
  const hex = hash('sha256', `toy of ${digest}`);
  return { kind: KIND, hex, root: treePath(KIND, hex) };
}

function fileOf(text: string): FileNode {
  const bytes = Buffer.from(text);
  const attributes = { ...IMPLIED_ATTRIBUTES, mode: 0o644 };
  return {
    type: 'file',
    attributes,
    xattrs: NO_XATTRS,
    sizeBytes: bytes.length,
    source: { kind: 'bytes', bytes },
  };
}

Object.assign(OUTPUT_FORMS, { [NAME]: { folder: '.toy' } });
if (!isOutputName(NAME)) throw new Error('the line above declares it');
const KIND: OutputName = NAME;
const toyOutput: Output = {
  name: KIND,
  prepare: async (image) => void prepared.set(image.publicName, await Promise.resolve(lineOf(image))),
  trees: ({ image }) => {
    const text = prepared.get(image.publicName);
    if (text === undefined) return [];
    const location = locationOf(image.manifest.config);
    const rootNode = { ...EMPTY_TREE, children: new Map([['line.txt', fileOf(text)]]) };
    return [{ ...location, path: location.root, rootNode, metadata: [], files: 'linked', rules: 0 }];
  },
  references: ({ config }) => [locationOf({ digest: config })],
  hasLinks: true,
  collect: (context) => new Links(context),
  isPublished: async (view, image) =>
    (await areTreesPublished(view, [locationOf(image.manifest.config)])) &&
    (await view.readLink(pathOf(image))) !== undefined,
};

const { OUTPUTS } = await import('../../../publisher/outputs/outputs.ts');
OUTPUTS.push(toyOutput);
