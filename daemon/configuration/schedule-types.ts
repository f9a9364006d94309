import type { ValueType } from './value-types.ts';

/**
 * A cron expression of five fields, or of six with seconds in front. It is not read by node-cron, because every command
 * reads the configuration and few need that package; a test compares both.
 */
export const cronExpression: ValueType<string> = {
  expected: 'a cron expression such as "*/5 * * * *", or with seconds "*/30 * * * * *"',
  argument: 'cron',
  parse: (text) => {
    const words = text.trim().split(/\s+/);
    const fields = words.length === FIELDS.length - 1 ? ['0', ...words] : words;
    if (fields.length !== FIELDS.length) return undefined;
    const values = FIELDS.map((field, index) => valuesOf(fields[index] ?? '', field));
    const [, , , days = [], months = []] = values;
    return values.includes(undefined) || !canOccur(days, months) ? undefined : words.join(' ');
  },
};

/** For work that can be switched off: no time is its time. */
export const NEVER = 'never';

/** A cron expression, or {@link NEVER}. */
export const cronOrNever: ValueType<string> = {
  ...cronExpression,
  expected: `${cronExpression.expected}; or "${NEVER}"`,
  parse: (text, base) => (text.trim() === NEVER ? NEVER : cronExpression.parse(text, base)),
};

interface CronField {
  readonly from: number;
  readonly to: number;
  /** Of the values, in their order; three letters of one are enough. */
  readonly names?: readonly string[];
  /** Values that are no numbers. */
  readonly special?: RegExp;
}

const MONTHS = 'january february march april may june july august september october november december';
const WEEKDAYS = 'sunday monday tuesday wednesday thursday friday saturday';

const FIELDS: readonly CronField[] = [
  { from: 0, to: 59 },
  { from: 0, to: 59 },
  { from: 0, to: 23 },
  { from: 1, to: 31, special: /^(?:lw?|l-(?:[1-9]|[12]\d|30)|(?:[1-9]|[12]\d|3[01])w)$/i },
  { from: 1, to: 12, names: MONTHS.split(' ') },
  { from: 0, to: 7, names: WEEKDAYS.split(' '), special: /^[0-7](?:l|#[1-5])$/i },
];

/** Days that a month has at most. */
const LONGEST = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The values of one field, where a special one is 0; `undefined` where the field is not valid. */
function valuesOf(text: string, field: CronField): readonly number[] | undefined {
  const items = field.special !== undefined && text === '?' ? ['*'] : text.split(',');
  const values = items.map((item) => valuesOfItem(numbered(item, field), field));
  return values.includes(undefined) ? undefined : values.flatMap((some) => some ?? []);
}

function numbered(item: string, { names = [], from }: CronField): string {
  return names.reduce(
    (text, name, index) =>
      text.replaceAll(new RegExp(`${name}|${name.slice(0, 3)}`, 'gi'), String(from + index)),
    item,
  );
}

function valuesOfItem(item: string, field: CronField): readonly number[] | undefined {
  if (field.special?.test(item) === true) return [0];
  return valuesOfRange(/^\d+$/.test(item) ? `${item}-${item}` : item, field);
}

function valuesOfRange(item: string, { from, to }: CronField): readonly number[] | undefined {
  const [, range, first = from, last = to, step = 1] = /^(\*|(\d+)-(\d+))(?:\/(\d+))?$/.exec(item) ?? [];
  const [begin, end, each] = [Number(first), Number(last), Number(step)];
  if (range === undefined || !within(begin) || !within(end) || each < 1) return undefined;
  const size = to - from + 1;
  const count = Math.floor(((end - begin + size) % size) / each) + 1;
  return Array.from({ length: count }, (_, index) => from + ((begin - from + index * each) % size));

  function within(value: number): boolean {
    return value >= from && value <= to;
  }
}

/** True if one of the months has one of the days. */
function canOccur(days: readonly number[], months: readonly number[]): boolean {
  return months.some((month) => days.some((day) => day <= (LONGEST[month - 1] ?? 0)));
}

/** A name from the IANA time zone database. */
export const timeZone: ValueType<string> = {
  expected: 'a time zone such as Europe/Zurich or UTC',
  argument: 'zone',
  parse: (text) => {
    try {
      return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  },
};

export function machineTimeZone(): string {
  return new Intl.DateTimeFormat('en').resolvedOptions().timeZone;
}
