import { redact } from '../configuration/redact.ts';
import type { Row, Value } from './database.ts';

/** What is remembered of a failure. No secret is in it. */
export interface FailureNote {
  /** A FailureCode of the version that met it. */
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** As values of the columns `code`, `message` and `hint`. */
export function failureValues(failure: FailureNote | undefined): [Value, Value, Value] {
  if (failure === undefined) return [null, null, null];
  const { code, message, hint } = failure;
  return [code, redact(message), hint === undefined ? null : redact(hint)];
}

export function failureOf({ code, message, hint }: Row): FailureNote | undefined {
  if (typeof code !== 'string') return undefined;
  return { code, message: String(message), hint: textOf(hint) };
}

export function textOf(value: Value | undefined): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}

export function numberOf(value: Value | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}
