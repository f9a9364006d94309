import type { Node } from 'js-yaml';
import { Failure, isFailure } from '../../core/failure.ts';
import { type Platform, formatPlatform, parsePlatform } from '../../core/oci/platform.ts';
import { outputNames, type OutputName, unfoundedOutput } from '../../core/outputs.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import { nearest, quoted } from '../../core/text.ts';
import { type Content, isText, kindOf } from '../../core/yaml/text.ts';
import { RECIPE_LIMITS } from './limits.ts';
import type { Problem } from './problem.ts';
import type { RecipeText } from './recipe-text.ts';
import { type Keep, type SettingKey, type WishSettings, parseKeep, parseSubdirectory } from './settings.ts';
import {
  type TextKind,
  type SettingValue,
  invalidSetting,
  longList,
  readCount,
  readText,
  readTexts,
} from './values.ts';
import { parseTagPattern, patternCost } from '../tags/tag-entry.ts';

/** Settings, and the problems in them. */
export interface SettingsReading {
  /** A list lacks its wrong entries, and counts as absent where none is left. */
  readonly settings: WishSettings;
  readonly problems: readonly Problem[];
}

/** Reads those settings that `values` has; it may have other keys too. */
export function readSettings(yaml: RecipeText, values: ReadonlyMap<string, Node>): SettingsReading {
  const problems: Problem[] = [];
  return {
    settings: {
      platforms: read('platforms', platformsIn),
      outputs: read('outputs', outputsIn),
      keep: read('keep', (node) => readText(yaml, node, KEEP)),
      exclude: read('exclude', (node) => readTexts(yaml, node, EXCLUDED)),
      subdirectory: read('subdirectory', (node) => readText(yaml, node, SUBDIRECTORY)),
      limit: read('limit', (node) => readCount(yaml, node, 'limit')),
    },
    problems,
  };

  function read<T>(key: SettingKey, reader: (node: Node) => SettingValue<T>): T | undefined {
    const node = values.get(key);
    if (node === undefined) return undefined;
    const { value, problems: own } = reader(node);
    for (const problem of own) problems.push({ ...problem, text: problem.text || key });
    return value;
  }

  function platformsIn(node: Node): SettingValue<readonly Platform[]> {
    const { platforms, problems: own } = readPlatforms(yaml, node);
    return { value: platforms.length === 0 ? undefined : platforms, problems: own };
  }

  function outputsIn(node: Node): SettingValue<readonly OutputName[]> {
    return readOutputs(yaml, node);
  }
}

const KEEP: TextKind<Keep> = {
  name: 'a time to keep images',
  hint: 'write forever, or days such as 30d',
  parse: parseKeep,
};

const EXCLUDED: TextKind<string> = {
  name: 'a pattern of tags',
  hint: "write a list such as ['*-rc*', nightly]",
  parse: parseTagPattern,
  cost: patternCost,
};

const SUBDIRECTORY: TextKind<string> = {
  name: 'a subdirectory',
  hint: 'write a path such as physics/simulation',
  parse: parseSubdirectory,
};

const OUTPUT: TextKind<OutputName> = {
  name: 'an output',
  hint: 'write a list such as [layers, flat]',
  parse: parseOutput,
};

function parseOutput(text: string): OutputName {
  const output = outputNames().find((name) => name === text);
  if (output !== undefined) return output;
  const meant = nearest(text.toLowerCase(), outputNames());
  const known = `the outputs are ${outputNames().join(', ')}`;
  throw new Failure('setting-invalid', `${quoted(withoutSecrets(text))} is no output`, {
    hint: meant === undefined ? known : `did you mean ${meant}? ${known}`,
  });
}

/** To ask for an output without the one that it links to is a contradiction. */
function readOutputs(yaml: RecipeText, node: Node): SettingValue<readonly OutputName[]> {
  const { value, problems } = readTexts(yaml, node, OUTPUT);
  const linked = unfoundedOutput(value ?? []);
  if (linked === undefined) return { value, problems };
  // a wrong entry may have been meant to be layers
  if (problems.some(({ severity }) => severity === 'error')) return { value: undefined, problems };
  const said = {
    message: `the outputs have ${linked} and no layers`,
    hint: `add layers, or remove ${linked}`,
  };
  return { value: undefined, problems: [...problems, invalidSetting(yaml, node, said)] };
}

/** The platforms in a value of `platforms`. */
export interface PlatformList {
  /** In the order of the text, each once, without wrong ones. */
  readonly platforms: readonly Platform[];
  /** Errors `platform-invalid` and warnings `platform-repeated`. */
  readonly problems: readonly Problem[];
}

/** Reads a list of platforms, or a single one. An empty list is an error. */
export function readPlatforms(yaml: RecipeText, node: Node): PlatformList {
  const content = yaml.content(node);
  const items = content.kind === 'sequence' ? content.items : [node];
  if (items.length === 0) return { platforms: [], problems: [emptyList(yaml, node)] };
  const tooLong = longList(items, RECIPE_LIMITS.platforms);
  if (tooLong !== undefined) return { platforms: [], problems: [invalid(yaml, node, tooLong)] };
  const platforms = new Map<string, Platform>();
  const problems: Problem[] = [];
  for (const item of items) {
    const platform = readPlatform(yaml, item);
    if ('severity' in platform) {
      problems.push(platform);
      continue;
    }
    const name = formatPlatform(platform);
    if (platforms.has(name)) problems.push(repeated(yaml, item, name));
    else platforms.set(name, platform);
  }
  return { platforms: [...platforms.values()], problems };
}

function readPlatform(yaml: RecipeText, item: Node): Platform | Problem {
  const content = yaml.content(item);
  if (content.kind !== 'scalar' || !isText(content)) {
    const written = withoutSecrets(content.kind === 'scalar' ? content.value : yaml.lineOf(item));
    const message = `${quoted(written)} is no platform: it is ${kindOf(content)}`;
    return invalid(yaml, item, { message, hint: 'write a list such as [linux/amd64, linux/arm64]' });
  }
  try {
    return parsePlatform(content.value);
  } catch (error) {
    if (!isFailure(error, 'platform-invalid')) throw error;
    return invalid(yaml, item, error);
  }
}

function emptyList(yaml: RecipeText, node: Node): Problem {
  const message = 'the list of platforms is empty';
  return invalid(yaml, node, { message, hint: 'name a platform, such as [linux/amd64], or remove the key' });
}

function invalid(yaml: RecipeText, node: Node, said: { message: string; hint: string | undefined }): Problem {
  const place = yaml.positionOf(node);
  const text = textOf(yaml.content(node));
  const { message, hint } = said;
  return { severity: 'error', code: 'platform-invalid', ...place, text, message, hint };
}

function repeated(yaml: RecipeText, item: Node, name: string): Problem {
  const text = textOf(yaml.content(item));
  return {
    severity: 'warning',
    code: 'platform-repeated',
    ...yaml.positionOf(item),
    text,
    message: `${quoted(text)} stands in the list already, as ${name}`,
    hint: 'remove it',
  };
}

function textOf(content: Content): string {
  const text = content.kind === 'scalar' ? withoutSecrets(content.value.trim()) : '';
  return text === '' ? 'platforms' : text;
}
