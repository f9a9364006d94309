import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Blob } from './blob.ts';
import { byteRange } from './byte-range.ts';
import type { ByteRange } from './byte-range.ts';
import { hostOf, listen, stop } from '../loopback.ts';
import type { ImageStore } from './store.ts';

export interface ReadOnlyRegistry {
  /** `127.0.0.1:PORT`, to be talked to by plain HTTP. */
  readonly host: string;
  /** `METHOD PATH?QUERY` of every request so far. */
  readonly requests: string[];
  /** Ends the server and all its connections. */
  close(): Promise<void>;
}

export interface RegistryOptions {
  /** The most tags in one page, whatever a client asks for; unlimited where nothing is said. */
  readonly maximumPageSize?: number;
}

/**
 * A registry on loopback that serves what `store` holds at the time of each request.
 *
 * @see OCI distribution specification 1.1, "Pull" and "Content Discovery"
 */
export async function serveImages(
  store: ImageStore,
  options: RegistryOptions = {},
): Promise<ReadOnlyRegistry> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    // A client may go away in the middle of a blob; nobody is left to be told.
    answer({ store, options, request, response }).catch(() => response.destroy());
  });
  await listen(server);
  return { host: hostOf(server), requests, close: async () => await stop(server) };
}

interface Exchange {
  readonly store: ImageStore;
  readonly options: RegistryOptions;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

async function answer(exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  response.setHeader('Docker-Distribution-API-Version', 'registry/2.0');
  if (request.method !== 'GET' && request.method !== 'HEAD') return fail(exchange, 405, 'UNSUPPORTED');
  const url = new URL(request.url ?? '/', 'http://registry');
  if (url.pathname === '/v2' || url.pathname === '/v2/') return sendJson(exchange, 200, {});
  const match = /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(url.pathname.replaceAll(/%3a/gi, ':'));
  if (match === null) return fail(exchange, 404, 'UNSUPPORTED');
  const [repository = '', kind = '', reference = ''] = match.slice(1);
  return answerFor(exchange, repository, { kind, reference, query: url.searchParams });
}

interface Wanted {
  readonly kind: string;
  readonly reference: string;
  readonly query: URLSearchParams;
}

async function answerFor(exchange: Exchange, repository: string, wanted: Wanted): Promise<void> {
  const { kind, reference, query } = wanted;
  const { store } = exchange;
  if (!store.has(repository)) return fail(exchange, 404, 'NAME_UNKNOWN', { name: repository });
  if (kind === 'manifests') return manifest(exchange, store.manifest(repository, reference));
  if (kind === 'blobs') return blob(exchange, store.blob(repository, reference));
  if (reference === 'list') return tagList(exchange, repository, query);
  return fail(exchange, 404, 'UNSUPPORTED');
}

async function manifest(exchange: Exchange, found: Blob | undefined): Promise<void> {
  if (found === undefined) return fail(exchange, 404, 'MANIFEST_UNKNOWN');
  return send(exchange, found, { contentType: found.mediaType });
}

async function blob(exchange: Exchange, found: Blob | undefined): Promise<void> {
  if (found === undefined) return fail(exchange, 404, 'BLOB_UNKNOWN');
  exchange.response.setHeader('Accept-Ranges', 'bytes');
  const range = byteRange(exchange.request.headers.range, found.size);
  if (range === 'unsatisfiable') {
    exchange.response.setHeader('Content-Range', `bytes */${found.size}`);
    return fail(exchange, 416, 'SIZE_INVALID');
  }
  return send(exchange, found, { contentType: 'application/octet-stream', range });
}

async function tagList(exchange: Exchange, name: string, query: URLSearchParams): Promise<void> {
  const { store, options, response } = exchange;
  const wanted = query.get('n');
  if (wanted !== null && !/^\d{1,9}$/.test(wanted)) return fail(exchange, 400, 'PAGINATION_NUMBER_INVALID');
  const last = query.get('last') ?? '';
  const size = Math.min(wanted === null ? Infinity : Number(wanted), options.maximumPageSize ?? Infinity);
  const rest = store.tags(name).filter((tag) => tag > last);
  const tags = rest.slice(0, size);
  const end = tags.at(-1);
  if (end !== undefined && tags.length < rest.length) {
    const next = `/v2/${name}/tags/list?n=${size}&last=${encodeURIComponent(end)}`;
    response.setHeader('Link', `<${next}>; rel="next"`);
  }
  return sendJson(exchange, 200, { name, tags });
}

interface BodyForm {
  readonly contentType: string;
  readonly range?: ByteRange | undefined;
}

async function send(
  { request, response }: Exchange,
  body: Blob,
  { contentType, range }: BodyForm,
): Promise<void> {
  const { start, end } = range ?? { start: 0, end: body.size - 1 };
  response.statusCode = range === undefined ? 200 : 206;
  response.setHeader('Content-Type', contentType);
  response.setHeader('Content-Length', end - start + 1);
  response.setHeader('Docker-Content-Digest', body.digest);
  if (range !== undefined) response.setHeader('Content-Range', `bytes ${start}-${end}/${body.size}`);
  if (request.method === 'HEAD' || body.size === 0) response.end();
  else await pipeline(contentOf(body, { start, end }), response);
}

function contentOf(body: Blob, { start, end }: ByteRange): Readable {
  if ('file' in body) return createReadStream(body.file, { start, end });
  return Readable.from([body.bytes.subarray(start, end + 1)]);
}

/** @see OCI distribution specification 1.1, "Error Codes" */
function fail(exchange: Exchange, status: number, code: string, detail: object = {}): void {
  const message = code.toLowerCase().replaceAll('_', ' ');
  sendJson(exchange, status, { errors: [{ code, message, detail }] });
}

function sendJson({ request, response }: Exchange, status: number, value: object): void {
  const body = Buffer.from(JSON.stringify(value));
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('Content-Length', body.length);
  response.end(request.method === 'HEAD' ? undefined : body);
}
