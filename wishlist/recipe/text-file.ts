import { isUtf8 } from 'node:buffer';
import { constants, createReadStream, type ReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { codeOf } from '../../core/system-error.ts';
import { Failure } from '../../core/failure.ts';
import { RECIPE_LIMITS } from './limits.ts';
import { position } from './problem.ts';
import { printable } from '../../core/text.ts';

/** The largest recipe. */
export const MAXIMUM_BYTES = RECIPE_LIMITS.bytes;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'the permission to read it is missing',
  EISDIR: 'it is a directory',
  ELOOP: 'it is a symbolic link that leads to itself',
  EIO: 'the device reports an error',
};

/**
 * The text of a file of up to 4 MiB in UTF-8, which may be a pipe. A byte-order mark is left out.
 *
 * @throws Failure `recipe-unreadable`
 */
export async function readTextFile(file: string): Promise<string> {
  const bytes = await orUnreadable(file, async () => await readBytes(createReadStream(file), file));
  return decodeText(bytes, file);
}

/**
 * The same of a regular file: nothing is waited for that a pipe or a device may bring.
 *
 * @throws Failure `recipe-unreadable`
 */
export async function readRegularFile(file: string): Promise<string> {
  const bytes = await orUnreadable(file, async () => {
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      const status = await handle.stat();
      if (status.isDirectory()) throw unreadable(file, 'it is a directory', undefined);
      if (!status.isFile()) throw unreadable(file, 'it is a pipe, a socket or a device', undefined);
      return await readBytes(handle.createReadStream({ autoClose: false }), file);
    } finally {
      await handle.close();
    }
  });
  return decodeText(bytes, file);
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

async function readBytes(stream: ReadStream, file: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAXIMUM_BYTES) throw unreadable(file, 'it is larger than 4 MiB', undefined);
  }
  return Buffer.concat(chunks);
}

/** Any error of the system means that the file cannot be read. */
async function orUnreadable<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined || error instanceof Failure) throw error;
    throw unreadable(file, REASONS[code] ?? `the system says ${code}`, error);
  }
}

function unreadable(file: string, reason: string, cause: unknown): Failure {
  return new Failure('recipe-unreadable', `${printable(file)}: the file cannot be read: ${reason}`, {
    hint: 'give the path of a text file that you may read',
    cause,
  });
}

/** No byte within a character of several bytes is a line feed, so each line can be checked separately. */
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
