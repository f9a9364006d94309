import type { Digest } from '../../core/oci/digest.ts';
import { ImageMeter } from '../image/image-limits.ts';
import { manifestPath } from '../image/layout.ts';
import { layerTrees } from '../outputs/layers.ts';
import { publishedPath, treeName, type PublishedTree } from '../outputs/output.ts';
import { enabledOutputs } from '../outputs/outputs.ts';
import type { RepositoryPublisher } from '../pipeline/repository-publisher.ts';
import type { PublishingContext } from '../pipeline/context.ts';
import { publisherAttributes } from '../publication/entry.ts';
import type { Inode } from '../publication/view.ts';
import { publishedDigest, type PublishedImage } from '../published/published-image.ts';
import type { LayerSource } from '../tree/node.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { AskedCapabilities } from './asked-capabilities.ts';
import { CollectedParts } from './collected-parts.ts';
import { compareContents, LayerFiles, type ComparedTree } from './compare-contents.ts';
import { compareTree } from './compare-tree.ts';
import type { TreeRepair } from '../compose/tree-changes.ts';
import { Findings, type Finding, type ImageFindings } from './finding.ts';
import { findImage, type FindingOptions } from './found-image.ts';
import { orUnknown, PartsFinder, type ImageParts } from './image-parts.ts';

export interface VerificationOptions extends FindingOptions {
  /** Compares the contents of all files with the layers' blobs, which are fetched. */
  readonly isDeep?: boolean;
}

/** Broken trees whose findings are kept, for all images that share them; others are looked at again. */
const MOST_BROKEN_TREES = 1_000;
/** Images whose parts of what all have in common are compared together. */
const IMAGES_AT_A_TIME = 100;

/**
 * Compares what is published as `names` with what would be published now, one image after the other. A tree that images
 * share is looked at once. Nothing is held meanwhile; what registries do not have any more is unknown, not wrong.
 *
 * @param names as `publishedNames` gives them
 * @throws Failure that is no image's own
 */
export async function* verifyImages(
  publisher: RepositoryPublisher,
  names: Iterable<string>,
  options: VerificationOptions = {},
): AsyncGenerator<ImageFindings> {
  const verification = new Verification(publisher.context, options);
  let some: string[] = [];
  for (const name of names) {
    some.push(name);
    if (some.length < IMAGES_AT_A_TIME) continue;
    yield* verification.verify(some);
    some = [];
  }
  yield* verification.verify(some);
}

/** An image that is looked at. */
interface Looked {
  readonly name: string;
  readonly manifest: Digest | undefined;
  readonly findings: Findings;
  readonly brokenTrees: Map<string, TreeRepair>;
  readonly unknown: string[];
}

class Verification {
  readonly #context: PublishingContext;
  readonly #options: VerificationOptions;
  readonly #capabilities: AskedCapabilities;
  readonly #parts: PartsFinder;
  /** Trees without any finding. */
  readonly #sound = new Set<string>();
  readonly #broken = new Map<string, Findings>();
  /** Of layers, files with other bytes: whatever has links to them has these too. */
  readonly #wrongContents = new Map<Digest, readonly Finding[]>();

  constructor(context: PublishingContext, options: VerificationOptions) {
    this.#context = context;
    this.#options = options;
    this.#capabilities = new AskedCapabilities(context);
    this.#parts = new PartsFinder(context);
  }

  async *verify(names: readonly string[]): AsyncGenerator<ImageFindings> {
    const collected = new CollectedParts(this.#context);
    const all: Looked[] = [];
    for (const name of names) {
      this.#context.signal.throwIfAborted();
      all.push(await this.#look(name, collected));
    }
    for (const [name, findings] of await collected.compare())
      all.find((one) => one.name === name)?.findings.addAll(findings);
    for (const { findings, ...looked } of all) {
      const { inTheWay, more } = findings;
      yield { ...looked, findings: findings.findings, more, inTheWay };
    }
  }

  async #look(name: string, collected: CollectedParts): Promise<Looked> {
    const manifest = await publishedDigest(this.#context.view, name);
    const looked: Looked = { name, manifest, findings: new Findings(), brokenTrees: new Map(), unknown: [] };
    const image = await this.#imageOf(looked);
    if (image === undefined) return looked;
    const parts = await this.#parts.partsOf(image);
    for (const reason of parts.unknown) looked.unknown.push(reason);
    for (const found of parts.wrong)
      looked.findings.add({
        kind: 'metadata',
        path: manifestPath(name),
        expected: 'what is published',
        found,
      });
    await this.#compareTrees(image, parts, looked);
    if (parts.image !== undefined && parts.stack !== undefined)
      await collected.add(looked, parts.image, parts.stack);
    return looked;
  }

  async #imageOf({ name, findings, unknown }: Looked): Promise<PublishedImage | undefined> {
    const { image, wrong } = await findImage(this.#context, name, this.#options);
    if (wrong === undefined) return image;
    findings.add({ kind: 'metadata', path: manifestPath(name), expected: 'its manifest', found: wrong });
    if (image === undefined)
      unknown.push('its manifest is nowhere to be had: what belongs to it is not known');
    return image;
  }

  async #compareTrees(image: PublishedImage, parts: ImageParts, looked: Looked): Promise<void> {
    const deep = new Map<Digest, LayerFiles>();
    const compared: (ComparedTree & { readonly tree: PublishedTree })[] = [];
    for (const tree of treesOf(image, parts)) {
      const name = treeName(tree);
      const known = this.#broken.get(name);
      if (known !== undefined) note(looked, name, known);
      if (known !== undefined || this.#sound.has(name)) continue;
      const comparison = { tree, root: tree.root, findings: new Findings() };
      const { view, options } = this.#context;
      const { sameContent } = options;
      await compareTree(
        tree,
        { view, capabilities: this.#capabilities, findings: comparison.findings, sameContent },
        this.#options.isDeep === true ? this.#deepListener(comparison, parts, deep) : undefined,
      );
      compared.push(comparison);
    }
    await this.#compareContents(image, deep, looked);
    for (const { tree, findings } of compared) {
      this.#keepWrongContents(tree, findings);
      if (tree.files === 'linked') this.#addSharedContents(image, findings);
      this.#keep(treeName(tree), findings);
      if (findings.isAny) note(looked, treeName(tree), findings);
    }
  }

  /** Notes files whose contents are to be compared, but for those that have the content of their layer's own file. */
  #deepListener(
    comparison: ComparedTree & { readonly tree: PublishedTree },
    parts: ImageParts,
    deep: Map<Digest, LayerFiles>,
  ) {
    const { tree } = comparison;
    return async (source: LayerSource, at: BytePath, found: Inode): Promise<void> => {
      if (tree.files === 'linked') {
        const home = await this.#context.view.inodeOf(publishedPath(source));
        if (home?.type === 'file' && home.identity === found.identity) return;
      }
      const stacked = [...(parts.stack ?? parts.layers)].find(({ layer }) => layer === source.layer);
      if (stacked === undefined) return;
      const files = deep.get(source.layer) ?? new LayerFiles(stacked.layerTree);
      deep.set(source.layer, files);
      files.add(comparison, source, at);
    };
  }

  async #compareContents(
    image: PublishedImage,
    deep: ReadonlyMap<Digest, LayerFiles>,
    { unknown }: Looked,
  ): Promise<void> {
    const { view } = this.#context;
    for (const [layer, files] of deep)
      await orUnknown(unknown, `the contents of layer ${layer}`, async () => {
        const compare = async (path: string) => await compareContents({ path, digest: layer }, files, view);
        await this.#parts.withBlob(image, layer, compare);
      });
  }

  #keepWrongContents({ kind, hex }: PublishedTree, { findings }: Findings): void {
    if (kind !== 'layers') return;
    const wrong = findings.filter((finding) => finding.kind === 'content' || finding.kind === 'unreadable');
    if (wrong.length > 0) this.#wrongContents.set(`sha256:${hex}`, wrong);
  }

  #addSharedContents({ manifest }: PublishedImage, findings: Findings): void {
    for (const { digest } of manifest.layers)
      for (const finding of this.#wrongContents.get(digest) ?? []) findings.add(finding);
  }

  #keep(name: string, findings: Findings): void {
    if (!findings.isAny) this.#sound.add(name);
    else if (this.#broken.size < MOST_BROKEN_TREES) this.#broken.set(name, findings);
  }
}

function note({ findings, brokenTrees }: Looked, name: string, found: Findings): void {
  findings.addAll(found);
  brokenTrees.set(name, found.repair);
}

/** The trees of the image that are known: without its config, or some of its layers, those of single layers. */
function treesOf(image: PublishedImage, { image: ready, stack, layers }: ImageParts): PublishedTree[] {
  const input = {
    attributes: publisherAttributes(),
    meter: new ImageMeter(),
    linked: image.outputs.has('layers'),
  };
  if (ready !== undefined && stack !== undefined)
    return enabledOutputs(image.outputs).flatMap(
      (output) => output.trees?.({ ...input, image: ready, stack }) ?? [],
    );
  return image.outputs.has('layers') ? layerTrees({ ...input, stack: stack ?? layers }) : [];
}
