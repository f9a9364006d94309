import { quoted } from '../wishlist/quote.ts';
import { OPTIONS } from './options.ts';
import { withoutAddressSecrets } from './output/address-secrets.ts';
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
  readonly given: readonly { readonly origin: Origin; readonly value: unknown }[];
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
 */
export function readValues(given: Settings, context: ReadingContext, problems: string[]): OptionValues {
  const byKey = new Map<string, unknown>();
  const earlier = (key: string): unknown => byKey.get(key);
  const byName = new Map<string, OptionValue>();
  for (const [name, option] of TABLE) {
    const values = (given.get(option.key) ?? []).map((setting) => ({
      origin: setting.origin,
      value: valueOf(option, setting, problems),
    }));
    const usual = defaultOf(option, { ...context, earlier }) ?? context.found[option.key];
    const [first] = values;
    const value = first === undefined ? usual : first.value;
    byKey.set(option.key, value);
    byName.set(name, { option, value, default: usual, given: values });
  }
  return byName;
}

function valueOf(option: Option, { origin, text, place }: Setting, problems: string[]): unknown {
  const value = text === undefined ? undefined : option.type.parse(text, place);
  if (value === undefined) {
    const found =
      text === undefined
        ? 'what stands there is no single value'
        : `${quoted(withoutAddressSecrets(text))} cannot be used`;
    problems.push(`${placeOf(origin, option.key)}: ${found}, expected ${option.type.expected}`);
  }
  return value;
}

function defaultOf(option: Option, context: DefaultsContext): unknown {
  const text = typeof option.default === 'object' ? option.default.compute(context) : option.default;
  return text === undefined ? undefined : option.type.parse(text, { folder: '/', home: context.home });
}
