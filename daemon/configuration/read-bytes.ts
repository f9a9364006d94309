import { open } from 'node:fs/promises';
import { isSystemError } from '../../core/system-error.ts';

const CHUNK_BYTES = 64 * 1024;

/** The content of a file, or a problem as a predicate to its name. */
export type FileBytes = { readonly bytes: Buffer } | { readonly problem: string };

/** Reads a file of up to `limitBytes`, which may be a pipe. */
export async function readBytes(path: string, limitBytes: number): Promise<FileBytes> {
  try {
    const bytes = await readUpTo(path, limitBytes + 1);
    return bytes.length > limitBytes ? { problem: `has more than ${limitBytes} bytes` } : { bytes };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const isMissing = error.code === 'ENOENT' || error.code === 'ENOTDIR';
    return { problem: isMissing ? 'does not exist' : `cannot be read (${error.code})` };
  }
}

async function readUpTo(path: string, limitBytes: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const chunks: Buffer[] = [];
    for (let size = 0; size < limitBytes;) {
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, limitBytes - size));
      const { bytesRead } = await file.read(chunk);
      if (bytesRead === 0) break;
      chunks.push(chunk.subarray(0, bytesRead));
      size += bytesRead;
    }
    return Buffer.concat(chunks);
  } finally {
    await file.close();
  }
}
