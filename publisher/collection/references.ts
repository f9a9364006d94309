import { outputNames, OUTPUT_FORMS, OWN_FOLDERS, type OutputName } from '../../core/outputs.ts';
import { displayPath, type BytePath, joinPath } from '../../core/system/byte-path.ts';
import { MANIFEST_FILE, METADATA_FOLDER, MULTIARCH_FOLDER } from '../image/layout.ts';
import { treeName, type TreeName } from '../outputs/output.ts';
import { OUTPUTS } from '../outputs/outputs.ts';
import { referencesOf } from '../outputs/references.ts';
import { parsePublishedManifest } from '../published/published-manifest.ts';
import type { Child, RepositoryView } from '../publication/view.ts';
import { linkTarget } from './link-targets.ts';
import type { Finding } from './report.ts';
import { walkFolders } from '../publication/walk.ts';

/** A repository, and its root as clients see it. */
export interface Place {
  readonly view: RepositoryView;
  readonly clientRoot: string;
}

/**
 * Everything that published images and links refer to. What cannot be read, or may mean anything, keeps all that it could
 * refer to.
 */
export class References {
  /** Why nothing at all may be swept. */
  readonly blocked: Finding[] = [];
  /** Why nothing of some outputs may be. */
  readonly kept: Finding[] = [];
  readonly #trees = new Set<string>();
  readonly #whole = new Set<OutputName>();
  readonly #names = new Map<string, string[]>();
  readonly #linkTargets: BytePath[] = [];

  static async of({ view, clientRoot }: Place): Promise<References> {
    const found = new References();
    await found.#readMetadata(view);
    await found.#readLinks(view, clientRoot);
    return found;
  }

  has(tree: TreeName): boolean {
    return this.#whole.has(tree.kind) || this.#trees.has(treeName(tree));
  }

  add(trees: Iterable<TreeName>): void {
    for (const tree of trees) this.#trees.add(treeName(tree));
  }

  /** Keeps all trees of these outputs. */
  addWhole(outputs: readonly OutputName[]): void {
    for (const output of outputs) this.#whole.add(output);
  }

  /** Public names of all published images whose metadata has the file `file`. */
  namesWith(file: string): readonly string[] {
    return this.#names.get(file) ?? [];
  }

  /** Where links lead to, within the folders of outputs. */
  get linkTargets(): readonly BytePath[] {
    return this.#linkTargets;
  }

  async #readMetadata(view: RepositoryView): Promise<void> {
    if ((await view.kindOf(METADATA_FOLDER)) !== 'directory')
      this.#block(METADATA_FOLDER, 'there is no such folder, so that nobody can tell what is published');
    await walkFolders(view, METADATA_FOLDER, async (folder, children) => {
      for (const child of children) await this.#readMetadataOf(view, folder, child);
      return children.filter(isDirectory);
    });
  }

  async #readMetadataOf(view: RepositoryView, folder: BytePath, { name, kind }: Child): Promise<void> {
    const path = joinPath(folder, name);
    if (kind === 'symlink') {
      const target = linkTarget(path, (await view.readLink(path)) ?? '', '/').path;
      if (target === undefined || !isWithin(target, METADATA_FOLDER))
        this.#block(path, 'it is a link out of the metadata, which is not followed');
    }
    if (kind === 'file') this.#nameWith(name, folder.slice(METADATA_FOLDER.length + 1));
    if (name !== MANIFEST_FILE || kind === 'directory' || kind === 'symlink') return;
    const manifest = kind === 'file' ? parsePublishedManifest(await view.read(path)) : undefined;
    if (manifest === undefined) this.#block(path, 'it is no manifest that can be read');
    else this.add(referencesOf(manifest));
  }

  #nameWith(file: string, name: string): void {
    const names = this.#names.get(file);
    if (names === undefined) this.#names.set(file, [name]);
    else names.push(name);
  }

  /** All links that people may go by. */
  async #readLinks(view: RepositoryView, clientRoot: string): Promise<void> {
    const isWhole = await walkFolders(
      view,
      '',
      async (folder, children) => {
        for (const { name, kind } of children)
          if (kind === 'symlink') await this.#readLink(view, joinPath(folder, name), clientRoot);
        const isOfTrees = holdsTrees(folder);
        return children.filter(
          (child) =>
            isDirectory(child) &&
            (isOfTrees ? !HEX.test(child.name) : !isClosed(joinPath(folder, child.name))),
        );
      },
      MOST_FOLDERS,
    );
    if (!isWhole)
      this.#block('', `it has more than ${MOST_FOLDERS} folders beside unpackd's, in which links may be`);
  }

  async #readLink(view: RepositoryView, path: BytePath, clientRoot: string): Promise<void> {
    const { trees, whole, path: target } = linkTarget(path, (await view.readLink(path)) ?? '', clientRoot);
    this.add(trees);
    for (const output of whole.filter(hasTrees)) {
      this.#whole.add(output);
      this.kept.push({
        path: displayPath(path),
        why: `it is a link to trees of the output ${output} together`,
      });
    }
    if (target !== undefined && outputOf(target) !== undefined) this.#linkTargets.push(target);
  }

  #block(path: BytePath, why: string): void {
    this.blocked.push({ path: displayPath(path), why });
  }
}

/** More than any wishlist makes: others' trees may have any number, and each would have to be looked into. */
const MOST_FOLDERS = 200_000;

const WITHOUT_LINKS: ReadonlySet<string> = new Set([OWN_FOLDERS.metadata, OWN_FOLDERS.records]);

const HEX = /^[0-9a-f]{64}$/;

/** Reports whether trees are directly in the folder: links within them were made by images, and count for nothing. */
function holdsTrees(folder: BytePath): boolean {
  const output = outputOf(folder);
  return output !== undefined && hasTrees(output) && /^[^/]+\/[0-9a-f]{2}$/.test(folder);
}

/**
 * Reports whether links in the folder count for nothing: those in what an output keeps beside trees, which it judges itself.
 * Beside trees, somebody may have put links to them.
 */
function isClosed(path: BytePath): boolean {
  if (WITHOUT_LINKS.has(path)) return true;
  const output = outputOf(path);
  return output !== undefined && (path.startsWith(`${MULTIARCH_FOLDER}/`) || !hasTrees(output));
}

/** The output whose folder the path is at or below, for any platform. */
function outputOf(path: BytePath): OutputName | undefined {
  const [first = '', , third = ''] = path.split('/');
  const folder = first === MULTIARCH_FOLDER ? third : first;
  return outputNames().find((name) => OUTPUT_FORMS[name].folder === folder);
}

function hasTrees(output: OutputName): boolean {
  return OUTPUTS.some((one) => one.name === output && one.references !== undefined);
}

function isDirectory({ kind }: Child): boolean {
  return kind === 'directory';
}

function isWithin(path: BytePath, folder: BytePath): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
