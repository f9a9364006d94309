import { validate } from 'node-cron';
import type { ValueType } from './value-types.ts';

/** A cron expression of five fields, or of six with seconds in front. */
export const cronExpression: ValueType<string> = {
  expected: 'a cron expression such as "*/5 * * * *", or with seconds "*/30 * * * * *"',
  parse: (text) => {
    const words = text.trim().split(/\s+/);
    const expression = words.join(' ');
    return (words.length === 5 || words.length === 6) && validate(expression) ? expression : undefined;
  },
};

/** A name of the IANA time zone database. */
export const timeZone: ValueType<string> = {
  expected: 'a time zone such as Europe/Zurich or UTC',
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
