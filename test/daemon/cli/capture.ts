import { Writable } from 'node:stream';
import type { OutputStream } from '../../../daemon/output/display.ts';

/** A stream that keeps what is written to it; with `columns`, one that says it is a terminal. */
export function capture(columns?: number): OutputStream & { readonly text: () => string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => {
      chunks.push(chunk);
      done();
    },
  });
  const terminal = columns === undefined ? {} : { isTTY: true, columns };
  return Object.assign(stream, { text: () => Buffer.concat(chunks).toString('utf8') }, terminal);
}
