import type { MappingNode, Node, SequenceNode } from 'js-yaml';
import { Failure } from './failure.ts';
import { readEntries, type Entries } from './mapping.ts';
import { readPlatforms } from './platform-list.ts';
import type { Platform } from './platform.ts';
import { position, type Problem } from './problem.ts';
import { quoted } from './quote.ts';
import { isRepositoryName } from './repository-name.ts';
import { NO_SETTINGS, type WishSettings } from './settings.ts';
import { readTextFile } from './text-file.ts';
import type { Wish } from './wish.ts';
import { readWishes } from './wishes.ts';
import { isText, kindOf, YamlText } from './yaml.ts';

/** A wishlist in one file, version 1: the format that DUCC defined. */
export interface Recipe {
  /** Its name, as given. */
  readonly file: string;
  /** Fully qualified names of the CVMFS repositories to publish in, each once: at least one. */
  readonly repositories: readonly string[];
  /** Read for compatibility, and not used. */
  readonly user: string | undefined;
  /** Read for compatibility, and not used. */
  readonly outputFormat: string | undefined;
  /** For wishes that say nothing themselves. */
  readonly defaults: WishSettings;
  /** In the order of the file, each image once for the same platforms. */
  readonly wishes: readonly Wish[];
  /** In the order of the file. */
  readonly problems: readonly Problem[];
}

type Key = 'version' | 'user' | 'cvmfs_repo' | 'output_format' | 'platforms' | 'input';

const KEYS: readonly Key[] = ['version', 'user', 'cvmfs_repo', 'output_format', 'platforms', 'input'];
const EXPECTED = `a recipe is a mapping with version: 1, cvmfs_repo: REPOSITORY, and input: followed by a list of images`;

/**
 * Reads the recipe in `file`.
 *
 * @throws Failure `recipe-unreadable` where the file cannot be read, is larger than 16 MiB, or is no UTF-8; and those
 *   of {@link parseRecipe}
 */
export async function readRecipe(file: string): Promise<Recipe> {
  return parseRecipe(await readTextFile(file), file);
}

/**
 * Reads a recipe. A wrong line of `input` or `platforms` is a problem of the result, and the rest goes on.
 *
 * @param file names the recipe in messages, which begin with `FILE:LINE:`
 * @throws Failure `recipe-unreadable` where `text` is no YAML, `recipe-invalid` where it is YAML and no recipe
 */
export function parseRecipe(text: string, file: string): Recipe {
  const yaml = new YamlText(text.replace(/^\uFEFF/, ''), file);
  const reader = new RecipeReader(yaml, file);
  const root = reader.root();
  const { values, problems } = reader.entries(root);
  reader.checkVersion(root, values.get('version'));
  const repository = reader.repository(root, values.get('cvmfs_repo'));
  const user = reader.optionalText('user', values.get('user'));
  const outputFormat = reader.optionalText('output_format', values.get('output_format'));
  const platforms = reader.platforms(values.get('platforms'));
  const input = readWishes(yaml, reader.input(root, values.get('input')).items);
  const all = [problems, user.problems, outputFormat.problems, platforms.problems, input.problems].flat();
  return {
    file,
    repositories: [repository],
    user: user.value,
    outputFormat: outputFormat.value,
    defaults: { ...NO_SETTINGS, platforms: platforms.value },
    wishes: input.wishes,
    problems: all.sort((one, other) => one.line - other.line),
  };
}

/** Reads the parts of one recipe, and refuses it as a whole where one that it needs is wrong. */
class RecipeReader {
  readonly #yaml: YamlText;
  readonly #file: string;

  constructor(yaml: YamlText, file: string) {
    this.#yaml = yaml;
    this.#file = file;
  }

  root(): MappingNode {
    const [root, second] = this.#yaml.documents;
    if (root === undefined) throw this.#invalid(undefined, 'the recipe is empty', EXPECTED);
    if (this.#yaml.documents.length > 1) {
      const reason = 'the file holds more than one YAML document';
      throw this.#invalid(second ?? root, reason, 'remove the separator --- or make it several files');
    }
    const content = this.#yaml.content(root);
    if (content.kind === 'mapping') return content;
    throw this.#invalid(root, `the recipe is ${kindOf(content)}`, EXPECTED);
  }

  /** The values of known keys. A key that stands twice is refused: half of the wishes would be lost in silence. */
  entries(root: MappingNode): Entries<Key> {
    const entries = readEntries(this.#yaml, root, KEYS);
    for (const { key, node } of entries.repeated) {
      throw this.#invalid(node, `the key ${key} stands here a second time`, 'make the two one');
    }
    return entries;
  }

  checkVersion(root: MappingNode, node: Node | undefined): void {
    const known = 'the known versions are: 1';
    if (node === undefined)
      throw this.#invalid(root, `the key version is missing; ${known}`, 'write version: 1');
    const content = this.#yaml.content(node);
    const isNumber = content.kind === 'scalar' && kindOf(content) === 'a number';
    if (isNumber && Number(content.value) === 1) return;
    const found = isNumber ? content.value : kindOf(content);
    const written =
      content.kind === 'scalar' && isText(content) ? `${found} ${quoted(content.value)}` : found;
    throw this.#invalid(node, `the version is ${written}; ${known}`, 'write version: 1, without quotes');
  }

  repository(root: MappingNode, node: Node | undefined): string {
    const hint = "name the CVMFS repository, such as cvmfs_repo: 'unpacked.example.org'";
    if (node === undefined) throw this.#invalid(root, 'the key cvmfs_repo is missing', hint);
    const content = this.#yaml.content(node);
    if (content.kind !== 'scalar' || !isText(content)) {
      throw this.#invalid(node, `cvmfs_repo is ${kindOf(content)}, not a name`, hint);
    }
    if (isRepositoryName(content.value)) return content.value;
    const reason = 'is not up to 60 letters, digits and . - _ that begin with a letter or digit, without ..';
    throw this.#invalid(node, `cvmfs_repo ${quoted(content.value)} ${reason}`, hint);
  }

  input(root: MappingNode, node: Node | undefined): SequenceNode {
    const hint = "write input: and below it each image as - 'REGISTRY/REPOSITORY:TAG', or input: [] for none";
    if (node === undefined) throw this.#invalid(root, 'the key input is missing', hint);
    const content = this.#yaml.content(node);
    if (content.kind === 'sequence') return content;
    throw this.#invalid(node, `input is ${kindOf(content)}, not a list`, hint);
  }

  /** Where no entry can be used it counts as if there were none: the images must not be lost. */
  platforms(node: Node | undefined): {
    value: readonly Platform[] | undefined;
    problems: readonly Problem[];
  } {
    if (node === undefined) return { value: undefined, problems: [] };
    const { platforms, problems } = readPlatforms(this.#yaml, node);
    return { value: platforms.length === 0 ? undefined : platforms, problems };
  }

  /** A value that nothing depends on must not make the recipe unusable. */
  optionalText(key: Key, node: Node | undefined): { value: string | undefined; problems: Problem[] } {
    if (node === undefined) return { value: undefined, problems: [] };
    const content = this.#yaml.content(node);
    if (content.kind === 'scalar' && kindOf(content) !== 'empty')
      return { value: content.value, problems: [] };
    const problem: Problem = {
      severity: 'warning',
      code: 'value-ignored',
      ...this.#yaml.positionOf(node),
      text: key,
      message: `${key} is ${kindOf(content)}, not text, and ignored`,
      hint: 'unpackd does not use it: it may be left out',
    };
    return { value: undefined, problems: [problem] };
  }

  #invalid(node: Node | undefined, reason: string, hint: string): Failure {
    const place = node === undefined ? { line: 1, column: undefined } : this.#yaml.positionOf(node);
    return new Failure('recipe-invalid', `${position(this.#file, place)} ${reason}`, { hint });
  }
}
