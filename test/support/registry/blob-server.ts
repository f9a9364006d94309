import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ImageReference } from '../../../core/oci/reference.ts';
import { hostOf, listen, stop } from '../loopback.ts';
import type { GeneratedBlob } from './generated-blob.ts';

/** How one request is answered; without anything, as it should be. */
export interface Manner {
  /** What a range in the request is for the server: `ignored` is 200 with everything, `refused` is 416. */
  readonly range?: 'ignored' | 'refused';
  /** In place of the right `Content-Range`. */
  readonly contentRange?: string;
  /** In place of the blob's size, as far as `Content-Range` says it. */
  readonly totalBytes?: number;
  /** How many bytes of the body are sent before the connection is closed. */
  readonly cutAfterBytes?: number;
  /** Bytes of another blob. */
  readonly content?: GeneratedBlob;
  /** Where the body ends, as if it were right so; the blob's size where it is missing. */
  readonly endBytes?: number;
}

/** Serves one blob, whatever the path, on a free port of 127.0.0.1, and counts what it sends. */
export class BlobServer {
  /** For the requests to come, in order; those after the last are answered as they should be. */
  readonly manners: Manner[] = [];
  /** The `Range` of each request so far. */
  readonly ranges: (string | undefined)[] = [];
  /** Of all bodies so far. */
  sentBytes = 0;
  readonly #blob: GeneratedBlob;
  readonly #server: Server;
  readonly #answers = new Set<Promise<void>>();

  private constructor(blob: GeneratedBlob) {
    this.#blob = blob;
    this.#server = createServer((request, response) => {
      this.#answers.add(this.#answer(request, response));
    });
  }

  static async start(blob: GeneratedBlob): Promise<BlobServer> {
    const started = new BlobServer(blob);
    await listen(started.#server);
    return started;
  }

  async close(): Promise<void> {
    await stop(this.#server);
    await Promise.all(this.#answers);
  }

  reference(repository: string): ImageReference {
    const registry = hostOf(this.#server);
    return { scheme: 'http', registry, repository, tag: undefined, digest: undefined };
  }

  async #answer({ headers: { range } }: IncomingMessage, response: ServerResponse): Promise<void> {
    this.ranges.push(range);
    const manner = this.manners.shift() ?? {};
    const { sizeBytes } = this.#blob.descriptor;
    const asked = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? '0');
    if (asked > 0 && manner.range === 'refused') {
      response.writeHead(416, { 'content-range': `bytes */${sizeBytes}` }).end();
      return;
    }
    const from = manner.range === 'ignored' ? 0 : asked;
    const { totalBytes = sizeBytes } = manner;
    const contentRange = manner.contentRange ?? `bytes ${from}-${totalBytes - 1}/${totalBytes}`;
    response.writeHead(from === 0 ? 200 : 206, {
      ...(from > 0 && { 'content-range': contentRange }),
      ...(manner.endBytes === undefined && { 'content-length': sizeBytes - from }),
    });
    await this.#send(response, from, manner);
  }

  async #send(response: ServerResponse, from: number, manner: Manner): Promise<void> {
    const { content = this.#blob, endBytes = this.#blob.descriptor.sizeBytes, cutAfterBytes } = manner;
    const to = cutAfterBytes === undefined ? endBytes : from + cutAfterBytes;
    const closed = once(response, 'close');
    for (const piece of content.bytes(from, to)) {
      if (response.destroyed) return;
      this.sentBytes += piece.length;
      const written = new Promise((resolve) => {
        response.write(piece, resolve);
      });
      await Promise.race([written, closed]);
    }
    if (cutAfterBytes === undefined) response.end();
    else response.destroy();
  }
}
