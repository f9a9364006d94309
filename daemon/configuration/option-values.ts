import { isDeepStrictEqual } from 'node:util';
import { quoted } from '../../core/text.ts';
import { OPTIONS } from './options.ts';
import { withoutAddressSecrets } from './secrets.ts';
import type { DefaultsContext, Option } from './options.ts';
import { placeOf } from './settings.ts';
import type { Origin, Setting, Settings } from './settings.ts';

/** The value of an option, and its origin. Values are parsed by {@link Option.type}. */
export interface OptionValue {
  readonly option: Option;
  /** The value in force; `undefined` if there is none or it is not valid. */
  readonly value: unknown;
  /** The value if nothing is set. */
  readonly default: unknown;
  /** Settings in order of precedence: the first is in force, the others are overridden. */
  readonly given: readonly GivenValue[];
  /** Set if the first setting only restates a default that another option has changed since: the new default is in force. */
  readonly isRestated?: true;
}

interface GivenValue {
  readonly origin: Origin;
  readonly value: unknown;
}

/** By the names and in the order of the table of options. */
export type OptionValues = ReadonlyMap<string, OptionValue>;

interface ReadingContext extends Omit<DefaultsContext, 'earlier'> {
  /** By key, defaults found on this machine for options without one in the table. */
  readonly found: Readonly<Partial<Record<string, string>>>;
}

const TABLE: readonly (readonly [name: string, option: Option])[] = Object.entries(OPTIONS);

/**
 * Parses all settings, also overridden ones: an invalid value is a problem in any case, and goes to `problems`.
 *
 * Defaults that depend on other options follow the values in force. A default that is written out (a file with
 * `backend: cvmfs` and `root: /cvmfs`) is still a default: it follows if the other option is overridden.
 */
export function readValues(given: Settings, context: ReadingContext, problems: string[]): OptionValues {
  const said = new Map(TABLE.map(([, option]) => [option.key, givenValues(option, given, problems)]));
  const views: OptionValues[] = [];
  // Settings of lower precedence are compared with the defaults as they are without those of higher precedence.
  while (views.length < RANKS.length) views.unshift(viewOf(said, views, context));
  return views[0] ?? new Map<string, OptionValue>();
}

/** From high to low precedence. */
const RANKS: readonly Origin['kind'][] = ['option', 'variable', 'file'];

function givenValues(option: Option, given: Settings, problems: string[]): GivenValue[] {
  return (given.get(option.key) ?? []).map((setting) => ({
    origin: setting.origin,
    value: valueOf(option, setting, problems),
  }));
}

/** The options by the settings of one rank and all lower ones; `below` has the views from each lower rank on. */
function viewOf(
  said: ReadonlyMap<string, readonly GivenValue[]>,
  below: readonly OptionValues[],
  context: ReadingContext,
): OptionValues {
  const highest = RANKS.length - 1 - below.length;
  const view = new Map<string, OptionValue>();
  const byKey = new Map<string, unknown>();
  const earlier = (key: string): unknown => byKey.get(key);
  for (const [name, option] of TABLE) {
    const usual = defaultOf(option, { ...context, earlier }) ?? context.found[option.key];
    const given = (said.get(option.key) ?? []).filter(({ origin }) => RANKS.indexOf(origin.kind) >= highest);
    const [first] = given;
    const there = first && below[RANKS.indexOf(first.origin.kind) - highest - 1]?.get(name);
    const isRestated =
      there !== undefined &&
      isDeepStrictEqual(there.value, there.default) &&
      !isDeepStrictEqual(there.default, usual);
    const value = first === undefined || isRestated ? usual : first.value;
    byKey.set(option.key, value);
    view.set(name, { option, value, default: usual, given, ...(isRestated && { isRestated }) });
  }
  return view;
}

function valueOf(option: Option, { origin, text, base }: Setting, problems: string[]): unknown {
  const value = text === undefined ? undefined : option.type.parse(text, base);
  if (value === undefined) {
    const found =
      text === undefined
        ? 'the value is not a single one'
        : `${quoted(withoutAddressSecrets(text))} cannot be used`;
    problems.push(`${placeOf(origin, option.key)}: ${found}, expected ${option.type.expected}`);
  }
  return value;
}

function defaultOf(option: Option, context: DefaultsContext): unknown {
  const text = typeof option.default === 'object' ? option.default.compute(context) : option.default;
  return text === undefined ? undefined : option.type.parse(text, { folder: '/', home: context.home });
}
