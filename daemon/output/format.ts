import type { FailureCode } from '../../core/failure.ts';
import { redact, redactLine } from '../configuration/redact.ts';

export { formatBytes } from '../../core/byte-size.ts';
export { counted } from '../../core/counted.ts';

/** `error[CODE] PART; PART`, one line. A mistake in how unpackd was called has a code of its own. */
export function errorLine(code: FailureCode | 'usage', parts: readonly (string | undefined)[]): string {
  return `error[${code}] ${parts
    .filter((part) => part !== undefined && part !== '')
    .map((part) => redact(part ?? ''))
    .join('; ')}`;
}

/** The stack of an error, indented: it goes with the line about the failure. */
export function stackText(stack: string): string {
  return stack
    .split('\n')
    .map((line) => `  ${redactLine(line)}`)
    .join('\n');
}

/** A duration for people: `12 ms`, `0.4 s`, `75 s`, `12 min`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 100) return `${Math.round(durationMs)} ms`;
  const seconds = durationMs / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/** A digest as people tell them apart: its first twelve digits. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}

/** The registry of an image as events and the state name it. */
export function registryOf(image: string): string {
  return image.slice(0, image.indexOf('/'));
}
