import { Failure } from '../failure.ts';

/** A server does not give a body from the byte on that was asked for. The whole body may still be had. */
export class RangeRefused extends Failure {
  constructor(message: string) {
    super('registry-error', message, { hint: 'try again later; if it stays, ask whoever runs the registry' });
  }
}

/**
 * Whether `field`, the `Content-Range` of an answer, means all bytes from `offset` to the end of `sizeBytes`. A part
 * of them would look like a body that is too short.
 *
 * @see RFC 9110, section 14.4
 */
export function isRangeOf(field: string | undefined, offset: number, sizeBytes: number): boolean {
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(field ?? '') ?? [];
  const isWhole = total === '*' || Number(total) === sizeBytes;
  return isWhole && Number(first) === offset && Number(last) === sizeBytes - 1;
}

/** `body` without its first `bytes` bytes. */
export async function* withoutFirst(
  body: AsyncIterable<Uint8Array>,
  bytes: number,
): AsyncGenerator<Uint8Array, void> {
  let leftBytes = bytes;
  for await (const chunk of body) {
    if (chunk.length > leftBytes) yield chunk.subarray(leftBytes);
    leftBytes = Math.max(0, leftBytes - chunk.length);
  }
}
