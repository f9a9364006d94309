import { isDeepStrictEqual } from 'node:util';
import type { OptionValue, OptionValues } from '../option-values.ts';
import { originText, type Origin } from '../settings.ts';
import { formatValue } from '../value-types.ts';
import { masked } from '../secrets.ts';

/** One option as it is shown; values are as one would write them, `null` for none, without secrets. */
export interface ShownOption {
  readonly key: string;
  readonly value: string | null;
  readonly default: string | null;
  readonly isDefault: boolean;
  /** Who set it; `null` where nobody did. */
  readonly origin: Origin | null;
  /** What others said that count less, in the order in which they count. */
  readonly overrides: readonly { readonly origin: Origin; readonly value: string }[];
}

export function shownOptions(options: OptionValues): ShownOption[] {
  return [...options.values()].map(shownOption);
}

function shownOption({ option, value, default: usual, given, isRestated }: OptionValue): ShownOption {
  const textOf = (one: unknown): string => masked(formatValue(option.type, one));
  const first = isRestated === true ? undefined : given[0];
  const others = given.filter((one) => one !== first);
  return {
    key: option.key,
    value: value === undefined ? null : textOf(value),
    default: usual === undefined ? null : textOf(usual),
    isDefault: isDeepStrictEqual(value, usual),
    origin: first?.origin ?? null,
    overrides: others.map(({ origin, value: said }) => ({ origin, value: textOf(said) })),
  };
}

/** The cells of an option's line: a mark where it differs from its default, key, value, origin, and what else there is. */
export function optionCells({
  key,
  value,
  default: usual,
  isDefault,
  origin,
  overrides,
}: ShownOption): string[] {
  const others = overrides.map((other) => `${masked(originText(other.origin))} (${other.value})`);
  const remarks = [
    ...(isDefault ? [] : [`default: ${usual ?? 'none'}`]),
    ...(others.length === 0 ? [] : [`overrides ${others.join(', ')}`]),
  ];
  const from = origin === null ? 'default' : masked(originText(origin));
  return [isDefault ? ' ' : '*', key, value ?? 'none', from, remarks.join('; ')];
}
