import { isDeepStrictEqual } from 'node:util';
import { quoted } from '../../core/text.ts';
import { OPTIONS } from './options.ts';
import { withoutAddressSecrets } from './secrets.ts';
import type { DefaultsContext, Option } from './options.ts';
import { placeOf } from './settings.ts';
import type { Origin, Setting, Settings } from './settings.ts';

/** What one option is, and who said so. Values are as {@link Option.type} reads them. */
export interface OptionValue {
  readonly option: Option;
  /** What is in force; `undefined` where nothing is, or what was given is wrong. */
  readonly value: unknown;
  /** What it is where nobody says anything. */
  readonly default: unknown;
  /** What was said, in the order in which it counts: the first is in force, the others are overridden. */
  readonly given: readonly GivenValue[];
  /** Whether what was said only states the default there, so that the default counts, which is another one now. */
  readonly isRestated?: true;
}

interface GivenValue {
  readonly origin: Origin;
  readonly value: unknown;
}

/** By the names of the table of options, in its order. */
export type OptionValues = ReadonlyMap<string, OptionValue>;

interface ReadingContext extends Omit<DefaultsContext, 'earlier'> {
  /** By key, what this machine has for options that have no default in the table. */
  readonly found: Readonly<Partial<Record<string, string>>>;
}

const TABLE: readonly (readonly [name: string, option: Option])[] = Object.entries(OPTIONS);

/**
 * Reads every value that was given, also those that another one overrides: a wrong one is wrong in any case, and goes to
 * `problems`.
 *
 * Defaults that depend on other options depend on what is in force of those, whoever set it. One that somebody wrote out
 * (a file with `backend: cvmfs` and `root: /cvmfs`) is a default still: it follows where the other option is overridden.
 */
export function readValues(given: Settings, context: ReadingContext, problems: string[]): OptionValues {
  const said = new Map(TABLE.map(([, option]) => [option.key, givenValues(option, given, problems)]));
  const views: OptionValues[] = [];
  // What a source that counts less has written out is compared with the defaults as they are without those that count more.
  while (views.length < RANKS.length) views.unshift(viewOf(said, views, context));
  return views[0] ?? new Map<string, OptionValue>();
}

/** From the sources that count most to those that count least. */
const RANKS: readonly Origin['kind'][] = ['option', 'variable', 'file'];

function givenValues(option: Option, given: Settings, problems: string[]): GivenValue[] {
  return (given.get(option.key) ?? []).map((setting) => ({
    origin: setting.origin,
    value: valueOf(option, setting, problems),
  }));
}

/** The options as they are by the sources from one rank on; `below`: by those from the next rank on, and so forth. */
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
