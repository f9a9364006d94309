import { Readable, type Transform } from 'node:stream';

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
