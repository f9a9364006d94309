import { Readable, type Transform } from 'node:stream';

/** Larger ones cost more: the memory of each is had anew from the system. */
export const CHUNK_BYTES = 256 * 1024;

/**
 * Of a decoder's stream: it works up to four chunks ahead of its reader, in another thread, and gives them as they are.
 * Read as bytes, those that wait would be copied together.
 */
export const DECODING = { chunkSize: CHUNK_BYTES, readableObjectMode: true, readableHighWaterMark: 4 };

/** What `decoder` makes of `blob`. An error of either is thrown; whoever stops early leaves neither running. */
export async function* through(
  blob: AsyncIterable<Uint8Array>,
  decoder: Transform,
): AsyncGenerator<Uint8Array> {
  const source = Readable.from(blob, { objectMode: false, highWaterMark: decoder.writableHighWaterMark });
  source.once('error', (error) => decoder.destroy(error));
  source.pipe(decoder);
  try {
    for await (const chunk of decoder as AsyncIterable<Uint8Array>) yield chunk;
  } finally {
    decoder.destroy();
    source.destroy();
  }
}
