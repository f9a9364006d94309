import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { findProgram } from '../programs.ts';

export type Compression = 'gzip' | 'zstd' | 'plain';

type Bytes = AsyncIterable<Buffer>;

/** Whether this machine can write zstd: Node does from 22.15 on, else it takes the program. */
export function canCompress(compression: Compression): boolean {
  return compression !== 'zstd' || 'createZstdCompress' in zlib || findProgram('zstd') !== undefined;
}

/** `archive` compressed; equal bytes give equal bytes on the same machine. `level` is for gzip. */
export function compressed(archive: Bytes, compression: Compression, level: number): Bytes {
  if (compression === 'plain') return archive;
  if (compression === 'gzip') return through(archive, zlib.createGzip({ level }));
  return zstd(archive);
}

function zstd(archive: Bytes): Bytes {
  const create: unknown = Reflect.get(zlib, 'createZstdCompress');
  return isStreamFactory(create) ? through(archive, create()) : throughProgram(archive, 'zstd');
}

function isStreamFactory(value: unknown): value is () => Duplex {
  return typeof value === 'function';
}

async function* through(archive: Bytes, stream: Duplex): Bytes {
  const written = pipeline(archive, stream);
  // Reading throws the same error first.
  written.catch(() => undefined);
  for await (const chunk of stream) yield Buffer.from(chunk);
  await written;
}

async function* throughProgram(archive: Bytes, program: string): Bytes {
  const child = spawn(program, ['--quiet', '--stdout'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  yield* through(archive, Duplex.from({ writable: child.stdin, readable: child.stdout }));
  const [status]: unknown[] = await ended;
  if (status !== 0) throw new Error(`${program} ended with ${String(status)}`);
}
