import type { Node } from 'js-yaml';
import { Failure } from '../../core/failure.ts';
import { type Platform, formatPlatform, parsePlatform } from '../../core/oci/platform.ts';
import { outputNames, type OutputName, unfoundedOutput } from '../../core/outputs.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import { nearest, quoted } from '../../core/text.ts';
import { RECIPE_LIMITS } from './limits.ts';
import type { Problem } from './problem.ts';
import type { RecipeText } from './recipe-text.ts';
import { type Keep, type SettingKey, type WishSettings, parseKeep, parseSubdirectory } from './settings.ts';
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
  return {
    settings: {
      platforms: read('platforms', (node) => readTexts(yaml, node, PLATFORM)),
      outputs: read('outputs', (node) => readOutputs(yaml, node)),
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
