import type { MappingNode, Node } from 'js-yaml';
import { Failure } from '../../core/failure.ts';
import { position, type Problem } from './problem.ts';
import { quoted } from '../../core/text.ts';
import { readSettings, type SettingsReading } from './read-settings.ts';
import { isRepositoryName } from '../../core/oci/repository-name.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import { SETTING_KEYS, type SettingKey } from './settings.ts';
import { invalidSetting, readTexts } from './values.ts';
import { RECIPE_VERSIONS, type RecipeVersion, readMapping, type RecipeText } from './recipe-text.ts';
import { isText, kindOf } from '../../core/yaml/text.ts';

type Key =
  'version' | 'user' | 'cvmfs_repo' | 'repositories' | 'output_format' | 'platforms' | 'defaults' | 'input';

/** The keys of a recipe, by its version. @internal */
export const RECIPE_KEYS = {
  1: ['version', 'user', 'cvmfs_repo', 'output_format', 'platforms', 'input'],
  2: ['version', 'user', 'repositories', 'cvmfs_repo', 'output_format', 'platforms', 'defaults', 'input'],
} as const satisfies Record<RecipeVersion, readonly Key[]>;

const EXPECTED = `a recipe is a mapping with version: 1, cvmfs_repo: REPOSITORY, and input: followed by a list of images`;
const NAME_THE_REPOSITORY = "name the CVMFS repository, such as cvmfs_repo: 'unpacked.example.org'";
const NO_NAME = 'is not up to 60 letters, digits and . - _ that begin with a letter or digit, without ..';

/** Reads the parts of a recipe, and refuses it as a whole where a required one is wrong. */
export class RecipeReader {
  /** The version, and the problems of unknown keys. */
  readonly head: { readonly version: RecipeVersion; readonly problems: readonly Problem[] };
  readonly #yaml: RecipeText;
  readonly #file: string;
  readonly #root: MappingNode;
  readonly #values: ReadonlyMap<Key, Node>;

  /** @throws Failure `recipe-invalid`, as its methods do. */
  constructor(yaml: RecipeText, file: string) {
    this.#yaml = yaml;
    this.#file = file;
    this.#root = this.#readRoot();
    const versionAt = readMapping(yaml, this.#root, { known: ['version'], refused: 'none' }).values.get(
      'version',
    );
    const version = this.#versionIn(versionAt);
    const known: readonly Key[] = RECIPE_KEYS[version ?? 1];
    const refused = version === 2 ? { slipsAnd: SETTING_KEYS } : 'none';
    const entries = readMapping(yaml, this.#root, { known, ofVersion2: RECIPE_KEYS[2], refused });
    // half of the wishes would be lost in silence
    for (const { key, node } of entries.repeated) {
      throw this.#invalid(node, `the key ${key} is repeated here`, 'merge the two');
    }
    if (version === undefined) throw this.#unknownVersion(versionAt);
    this.#values = entries.values;
    this.head = { version, problems: entries.problems };
  }

  /** Each once. */
  repositories(): { readonly value: readonly string[]; readonly problems: readonly Problem[] } {
    const several = this.#values.get('repositories');
    const single = this.#values.get('cvmfs_repo');
    if (several === undefined) return { value: [this.#repository(single)], problems: [] };
    if (single !== undefined) {
      const reason = 'the recipe has both repositories and cvmfs_repo';
      throw this.#twice([several, single], reason, 'name all of them in repositories');
    }
    const hint = "name CVMFS repositories, such as repositories: ['unpacked.example.org']";
    const { value, problems } = readTexts(this.#yaml, several, {
      name: 'a repository',
      hint,
      parse: parseName,
    });
    const wrong = problems.find(({ severity }) => severity === 'error');
    if (wrong !== undefined) {
      const { message } = wrong;
      throw new Failure('recipe-invalid', `${position(this.#file, wrong)} repositories: ${message}`, {
        hint,
      });
    }
    if (value === undefined) throw new Error('a list without entries has a problem');
    return { value, problems };
  }

  /** The items of `input`. */
  input(): readonly Node[] {
    const node = this.#values.get('input');
    const hint = "write input: and below it each image as - 'REGISTRY/REPOSITORY:TAG', or input: [] for none";
    if (node === undefined) throw this.#invalid(this.#root, 'the key input is missing', hint);
    const content = this.#yaml.content(node);
    if (content.kind === 'sequence') return content.items;
    throw this.#invalid(node, `input is ${kindOf(content)}, not a list`, hint);
  }

  /** An invalid setting counts as absent: the images must not be lost. */
  defaults(): SettingsReading {
    const platforms = this.#values.get('platforms');
    const node = this.#values.get('defaults');
    const content = node && this.#yaml.content(node);
    if (content?.kind === 'mapping') return this.#defaultsIn(content, platforms);
    const reading = readSettings(this.#yaml, new Map(platforms && [['platforms', platforms]]));
    if (node === undefined || content === undefined) return reading;
    const problem = invalidSetting(this.#yaml, node, {
      message: `defaults is ${kindOf(content)}, not a mapping of settings`,
      hint: 'write the settings below it, such as platforms: [linux/amd64], or remove the key',
    });
    return { ...reading, problems: [...reading.problems, { ...problem, text: 'defaults' }] };
  }

  /** Warns where DUCC's keys `user` and `output_format` are not text. Nothing depends on them. */
  unusedKeys(): Problem[] {
    return (['user', 'output_format'] as const).flatMap((key): Problem[] => {
      const node = this.#values.get(key);
      if (node === undefined) return [];
      const content = this.#yaml.content(node);
      if (content.kind === 'scalar' && kindOf(content) !== 'empty') return [];
      const place = this.#yaml.positionOf(node);
      const message = `${key} is ${kindOf(content)}, not text, and ignored`;
      const hint = 'unpackd does not use it: it may be left out';
      return [{ severity: 'warning', code: 'value-ignored', ...place, text: key, message, hint }];
    });
  }

  #readRoot(): MappingNode {
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

  #versionIn(node: Node | undefined): RecipeVersion | undefined {
    const content = node && this.#yaml.content(node);
    if (content?.kind !== 'scalar' || kindOf(content) !== 'a number') return undefined;
    return RECIPE_VERSIONS.find((version) => version === Number(content.value));
  }

  #unknownVersion(node: Node | undefined): Failure {
    const known = `the known versions are: ${RECIPE_VERSIONS.join(' and ')}`;
    if (node === undefined)
      return this.#invalid(this.#root, `the key version is missing; ${known}`, 'write version: 1');
    const content = this.#yaml.content(node);
    const isNumber = content.kind === 'scalar' && kindOf(content) === 'a number';
    const found = isNumber ? content.value : kindOf(content);
    const written =
      content.kind === 'scalar' && isText(content) ? `${found} ${quoted(content.value)}` : found;
    return this.#invalid(node, `the version is ${written}; ${known}`, 'write version: 1, without quotes');
  }

  #repository(node: Node | undefined): string {
    const hint = NAME_THE_REPOSITORY;
    if (node === undefined) {
      const also = this.head.version === 1 ? '' : ', or repositories: and a list of them';
      throw this.#invalid(this.#root, 'the key cvmfs_repo is missing', `${hint}${also}`);
    }
    const content = this.#yaml.content(node);
    if (content.kind !== 'scalar' || !isText(content)) {
      throw this.#invalid(node, `cvmfs_repo is ${kindOf(content)}, not a name`, hint);
    }
    if (isRepositoryName(content.value)) return content.value;
    throw this.#invalid(node, `cvmfs_repo ${quoted(content.value)} ${NO_NAME}`, hint);
  }

  #defaultsIn(content: MappingNode, short: Node | undefined): SettingsReading {
    const { values, repeated, problems } = readMapping<SettingKey>(this.#yaml, content, {
      known: SETTING_KEYS,
      refused: 'all',
    });
    const platforms = values.get('platforms');
    if (short !== undefined && platforms !== undefined) {
      const reason = 'the recipe has platforms both by themselves and in defaults';
      throw this.#twice([short, platforms], reason, 'name all of them in defaults');
    }
    const all = new Map(short === undefined ? values : [...values, ['platforms', short] as const]);
    const reading = readSettings(this.#yaml, all);
    const twice = repeated.map(({ key, node }) =>
      invalidSetting(this.#yaml, node, {
        message: `the key ${key} is repeated in defaults, and only the first counts`,
        hint: 'merge the two',
      }),
    );
    return { settings: reading.settings, problems: [...problems, ...twice, ...reading.problems] };
  }

  /** Refuses two keys that contradict each other, at the later one. */
  #twice(nodes: readonly Node[], reason: string, hint: string): Failure {
    const places = nodes.map((node) => ({ node, ...this.#yaml.positionOf(node) }));
    const [later] = places.sort((a, b) => b.line - a.line || b.column - a.column);
    return this.#invalid(later?.node, reason, hint);
  }

  #invalid(node: Node | undefined, reason: string, hint: string): Failure {
    const place = node === undefined ? { line: 1, column: undefined } : this.#yaml.positionOf(node);
    return new Failure('recipe-invalid', `${position(this.#file, place)} ${reason}`, { hint });
  }
}

function parseName(text: string): string {
  if (isRepositoryName(text)) return text;
  throw new Failure('setting-invalid', `${quoted(withoutSecrets(text))} ${NO_NAME}`);
}
