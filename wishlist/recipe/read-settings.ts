import type { Node } from 'js-yaml';
import { Failure } from '../../core/failure.ts';
import { type Platform, formatPlatform, parsePlatform } from '../../core/oci/platform.ts';
import { outputNames, type OutputName, unfoundedOutput } from '../../core/outputs.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import { kindOf } from '../../core/yaml/text.ts';
import { nearest, quoted } from '../../core/text.ts';
import { RECIPE_LIMITS } from './limits.ts';
import type { Problem } from './problem.ts';
import type { RecipeText } from './recipe-text.ts';
import {
  type Keep,
  MAXIMUM_KEPT_DIGESTS,
  type SettingKey,
  type WishSettings,
  parseKeep,
  parseSubdirectory,
} from './settings.ts';
import {
  type TextKind,
  type SettingValue,
  invalidSetting,
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
  const kept = read('keep', (node) => readKeep(yaml, node));
  return {
    settings: {
      ...(kept?.digests !== undefined && { keptDigests: kept.digests }),
      platforms: read('platforms', (node) => readTexts(yaml, node, PLATFORM)),
      outputs: read('outputs', (node) => readOutputs(yaml, node)),
      keep: kept?.time,
      exclude: read('exclude', (node) => readTexts(yaml, node, EXCLUDED)),
      subdirectory: read('subdirectory', (node) => readText(yaml, node, SUBDIRECTORY)),
      limit: read('limit', (node) => readCount(yaml, node, { key: 'limit' })),
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
}

const PLATFORM: TextKind<Platform> = {
  name: 'a platform',
  hint: 'write a list such as [linux/amd64, linux/arm64]',
  parse: parsePlatform,
  entries: RECIPE_LIMITS.platforms,
  keyOf: formatPlatform,
  codes: { invalid: 'platform-invalid', repeated: 'platform-repeated' },
};

const KEEP: TextKind<Keep> = {
  name: 'a time to keep images',
  hint: 'write forever, days such as 30d, a number of old images of a tag, or both as [30d, 3]',
  parse: parseKeep,
};

/** What the setting `keep` says: each once. */
interface KeepReading {
  readonly time: Keep | undefined;
  readonly digests: number | undefined;
}

/** A time, a number of old images of a tag, or a list of one of each. */
function readKeep(yaml: RecipeText, node: Node): SettingValue<KeepReading> {
  const content = yaml.content(node);
  const items = content.kind === 'sequence' ? content.items : [node];
  const readings = items.map((item) => readKeepPart(yaml, item));
  const problems = readings.flatMap((reading) => reading.problems);
  if (problems.length > 0) return { value: undefined, problems };
  const digests = readings.flatMap(({ value }) => (typeof value === 'number' ? value : []));
  const times = readings.flatMap(({ value }) =>
    typeof value === 'number' || value === undefined ? [] : value,
  );
  if (items.length > 0 && digests.length <= 1 && times.length <= 1)
    return { value: { time: times[0], digests: digests[0] }, problems };
  const message =
    items.length === 0 ? 'the list is empty' : 'the list has more than one time, or more than one number';
  const hint = 'write a time, a number of old images, or both, such as keep: [30d, 3]';
  return { value: undefined, problems: [invalidSetting(yaml, node, { message, hint })] };
}

function readKeepPart(yaml: RecipeText, node: Node): SettingValue<Keep | number> {
  const content = yaml.content(node);
  if (content.kind !== 'scalar' || kindOf(content) !== 'a number') return readText(yaml, node, KEEP);
  const { value, problems } = readCount(yaml, node, { key: 'keep', most: MAXIMUM_KEPT_DIGESTS });
  return { value, problems: problems.map((problem) => Object.assign({}, problem, { hint: KEEP.hint })) };
}

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
  throw new Failure('setting-invalid', `${quoted(withoutSecrets(text))} is not a known output`, {
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
