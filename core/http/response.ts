import type { Dispatcher } from 'undici';
import { Failure } from '../failure.ts';
import type { SizeLimit, Subject } from './fault.ts';

/** Response whose body is not read yet. The body must be read or destroyed: it holds a connection. */
export interface HttpResponse {
  readonly status: number;
  /** After redirects. */
  readonly url: URL;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly body: Dispatcher.ResponseData['body'];
  /** Bytes of the body read so far. */
  readonly received: { bytes: number };
}

/** An answer without its body. */
export interface Head {
  readonly status: number;
  /** After redirects. */
  readonly url: URL;
  /** By a name in lower case. */
  readonly header: (name: string) => string | undefined;
}

const LARGEST_ERROR_BODY_BYTES = 64 * 1024;
const ERROR_BODY_TIMEOUT_MS = 10_000;

/** The value of a header; several fields of one name are joined with commas. */
export function headerOf(answer: HttpResponse, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

export function headOf(answer: HttpResponse): Head {
  return { status: answer.status, url: answer.url, header: (name) => headerOf(answer, name) };
}

/** The whole body, or `undefined` where it has more than `limitBytes`: nothing more is read then. */
async function readUpTo(answer: HttpResponse, limitBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    answer.received.bytes = sizeBytes;
    if (sizeBytes > limitBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, sizeBytes);
}

/**
 * The whole body.
 *
 * @throws Failure of `limit` where it is larger; errors of the connection as undici throws them
 */
export async function readBody(answer: HttpResponse, limit: SizeLimit, subject: Subject): Promise<Buffer> {
  const bytes = await readUpTo(answer, limit.bytes);
  if (bytes !== undefined) return bytes;
  throw subject.toFailure({ kind: 'too-large', limit });
}

/**
 * The body of an answer other than the one wanted; `undefined` where it is long, or cannot be had within `timeoutMs`: it
 * only explains the status. Reading it frees the connection for the next request.
 */
export async function readErrorBody(
  answer: HttpResponse,
  timeoutMs = ERROR_BODY_TIMEOUT_MS,
): Promise<string | undefined> {
  const timer = setTimeout(() => answer.body.destroy(), timeoutMs);
  try {
    return (await readUpTo(answer, LARGEST_ERROR_BODY_BYTES))?.toString('utf8');
  } catch {
    // Whatever broke here, the status has been received and says what failed.
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

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
