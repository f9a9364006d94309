import type { Node } from 'js-yaml';
import { Failure } from '../../core/failure.ts';
import { parseKeep } from './keep.ts';
import { nearest, quoted } from '../../core/text.ts';
import { readPlatforms } from './platform-list.ts';
import type { Platform } from '../../core/oci/platform.ts';
import type { Problem } from './problem.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import { type Keep, type SettingKey, type WishSettings } from './settings.ts';
import { OUTPUT_NAMES, unfoundedOutput, type OutputName } from '../../core/outputs.ts';
import { parseSubdirectory } from './subdirectory.ts';
import { invalidSetting, readCount, readText, readTexts, type TextKind, type Value } from './values.ts';
import { parseTagPattern, patternCost } from '../tags/tag-entry.ts';
import type { RecipeText } from './recipe-text.ts';

/** What settings say. */
export interface SettingsReading {
  /** Without what is wrong: a list lacks its wrong entries, and counts as absent where none is left. */
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

  function read<T>(key: SettingKey, reader: (node: Node) => Value<T>): T | undefined {
    const node = values.get(key);
    if (node === undefined) return undefined;
    const { value, problems: own } = reader(node);
    for (const problem of own) problems.push({ ...problem, text: problem.text || key });
    return value;
  }

  function platformsIn(node: Node): Value<readonly Platform[]> {
    const { platforms, problems: own } = readPlatforms(yaml, node);
    return { value: platforms.length === 0 ? undefined : platforms, problems: own };
  }

  function outputsIn(node: Node): Value<readonly OutputName[]> {
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
  const output = OUTPUT_NAMES.find((name) => name === text);
  if (output !== undefined) return output;
  const meant = nearest(text.toLowerCase(), OUTPUT_NAMES);
  const known = `the outputs are ${OUTPUT_NAMES.join(', ')}`;
  throw new Failure('setting-invalid', `${quoted(withoutSecrets(text))} is no output`, {
    hint: meant === undefined ? known : `did you mean ${meant}? ${known}`,
  });
}

/** To ask for an output without the one that it links to is a contradiction. */
function readOutputs(yaml: RecipeText, node: Node): Value<readonly OutputName[]> {
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
