import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { codeOf } from '../error-code.ts';
import { Failure } from '../failure.ts';
import { position } from './problem.ts';
import { printable } from '../quote.ts';

/** The largest recipe. */
export const MAXIMUM_BYTES = 16 * 1024 * 1024;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'the permission to read it is missing',
  EISDIR: 'it is a directory',
};

/**
 * The text of a file of up to 16 MiB in UTF-8, which may be a pipe. A byte-order mark is left out.
 *
 * @throws Failure `recipe-unreadable`
 */
export async function readTextFile(file: string): Promise<string> {
  return decodeText(await readBytes(file), file);
}

/**
 * The text of `bytes` in UTF-8, without a byte-order mark; `file` names them in messages.
 *
 * @throws Failure `recipe-unreadable`
 */
export function decodeText(bytes: Uint8Array, file: string): string {
  if (!isUtf8(bytes)) {
    const place = position(file, { line: firstLineNotUtf8(bytes), column: undefined });
    throw new Failure('recipe-unreadable', `${place} the line is not valid UTF-8`, {
      hint: 'save the file in UTF-8',
    });
  }
  return new TextDecoder().decode(bytes);
}

async function readBytes(file: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAXIMUM_BYTES) throw unreadable(file, 'it is larger than 16 MiB', undefined);
    }
  } catch (error) {
    const reason = REASONS[codeOf(error) ?? ''];
    throw reason === undefined ? error : unreadable(file, reason, error);
  }
  return Buffer.concat(chunks);
}

function unreadable(file: string, reason: string, cause: unknown): Failure {
  return new Failure('recipe-unreadable', `${printable(file)}: the file cannot be read: ${reason}`, {
    hint: 'give the path of a text file that you may read',
    cause,
  });
}

/** No byte within a character of several bytes is a line feed, so each line can be looked at by itself. */
function firstLineNotUtf8(bytes: Uint8Array): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line += 1) {
    const feed = bytes.indexOf(0x0a, start);
    const end = feed === -1 ? bytes.length : feed + 1;
    if (!isUtf8(bytes.subarray(start, end))) return line;
    start = end;
  }
  return line;
}
