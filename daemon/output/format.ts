import { formatBytes, localTime } from '../../core/text.ts';
import type { FailureCode } from '../../core/failure.ts';
import type { RequestRecord } from '../../core/http/options.ts';
import type { Commit } from '../../wishlist/recipe/wish.ts';
import { redact, redactLine } from '../configuration/secrets.ts';

/** `error[CODE] PART; PART`, one line. Usage errors have a code of their own. */
export function errorLine(code: FailureCode | 'usage', parts: readonly (string | undefined)[]): string {
  return `error[${code}] ${parts
    .filter((part) => part !== undefined && part !== '')
    .map((part) => redact(part ?? ''))
    .join('; ')}`;
}

/** The stack of an error, indented below the line about the failure. */
export function stackText(stack: string): string {
  return stack
    .split('\n')
    .map((line) => `  ${redactLine(line)}`)
    .join('\n');
}

/** Joins lines, keeping their indentation, without secrets. */
export function indentedText(lines: readonly string[]): string {
  return lines.map((line) => `${/^ */.exec(line)?.[0] ?? ''}${redact(line)}\n`).join('');
}

/** A duration for people: `12 ms`, `0.4 s`, `75 s`, `12 min`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 100) return `${Math.round(durationMs)} ms`;
  const seconds = durationMs / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/** A digest for people: its first twelve digits. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}

/** `commit 0123456789ab of 2026-02-03 04:05 by A. Author` */
export function commitText({ hash, date, author }: Commit): string {
  return `commit ${hash.slice(0, 12)} of ${localTime(date)} by ${author}`;
}

/** The registry of an image as events and the state name it. */
export function registryOf(image: string): string {
  return image.slice(0, image.indexOf('/'));
}

const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/** A time span for people: `3 d`, `5 h`, `12 min`, `40 s`. */
export function span(ms: number): string {
  const length = Math.max(0, ms);
  const [name, unit] = UNITS.find(([, one]) => length >= 2 * one) ?? ['s', 1000];
  return `${Math.round(length / unit)} ${name}`;
}

/** `12 min ago`, `in 5 h`. */
export function relative(ms: number, nowMs: number): string {
  return ms > nowMs ? `in ${span(ms - nowMs)}` : `${span(nowMs - ms)} ago`;
}

/** For what may be overdue: `in 5 h`, `now`. */
export function upcoming(ms: number, nowMs: number): string {
  return ms > nowMs ? relative(ms, nowMs) : 'now';
}

/** `GET https://quay.io/v2/lab/a/tags/list: 200, 1.2 kB in 0.3 s (try 2, with credentials)` */
export function requestText(record: RequestRecord): string {
  const { method, url, status, error, durationMs, tryNumber, bytes, isAuthorized } = record;
  const outcome = [status, error].filter((part) => part !== undefined).join(', ');
  const remarks = [
    ...(tryNumber > 1 ? [`try ${tryNumber}`] : []),
    ...(isAuthorized ? ['with credentials'] : []),
  ];
  const end = remarks.length === 0 ? '' : ` (${remarks.join(', ')})`;
  return `${method} ${url}: ${outcome}, ${formatBytes(bytes)} in ${formatDuration(durationMs)}${end}`;
}
