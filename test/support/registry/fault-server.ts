import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { Digest } from '../../../core/oci/digest.ts';
import type { ImageReference } from '../../../core/oci/reference.ts';
import type { Content, Fault } from './faults.ts';
import { hostOf, listen, stop } from '../loopback.ts';
import { OCI_MANIFEST_TYPE, digestOf, type TestImage } from './image.ts';

/** A request that arrived. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly authorization: string | undefined;
  readonly accept: string | undefined;
  readonly range: string | undefined;
  readonly userAgent: string | undefined;
  readonly contentType: string | undefined;
  readonly ifNoneMatch: string | undefined;
  /** As far as it has come. */
  readonly body: string;
}

/** Where registries say that they are some. */
const BASE = '/v2/';

interface Rule {
  readonly pattern: RegExp;
  readonly fault: Fault;
  timesLeft: number;
}

/** Answers a request before faults and content, such as with a 401; `false` lets it through. */
export type Guard = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A registry on a free port of 127.0.0.1 that does wrong whatever a test wants, and records who asks for what. */
export class FaultServer {
  /** For what repositories have. */
  readonly seen: SeenRequest[] = [];
  /** For `/v2/`. */
  readonly seenAtBase: SeenRequest[] = [];
  readonly blobs = new Map<Digest, Buffer>();
  /** Pages of tags, by repository. */
  readonly tagPages = new Map<string, readonly (readonly string[])[]>();
  guard: Guard = () => false;
  /** How many were opened so far. */
  connections = 0;
  readonly #scheme: 'http' | 'https';
  readonly #server: Server;
  readonly #manifests = new Map<string, Content>();
  readonly #rules: Rule[] = [];

  private constructor(tls: ServerOptions | undefined) {
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      this.#answer(request, response);
    };
    this.#scheme = tls === undefined ? 'http' : 'https';
    this.#server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
    this.#server.on('connection', () => {
      this.connections += 1;
    });
  }

  /** Speaks plain HTTP where `tls` is left out. */
  static async start(tls?: ServerOptions): Promise<FaultServer> {
    const started = new FaultServer(tls);
    await listen(started.#server);
    return started;
  }

  async close(): Promise<void> {
    await stop(this.#server);
  }

  /** `127.0.0.1:PORT` */
  get host(): string {
    return hostOf(this.#server);
  }

  /** The methods and paths that were asked for since the last call, in order: `HEAD /v2/…`. */
  takeRequests(): string[] {
    return this.seen.splice(0).map(({ method, url }) => `${method} ${url}`);
  }

  /** The paths that were asked for, in order. */
  get paths(): string[] {
    return this.seen.map(({ url }) => url);
  }

  reference(
    repository: string,
    version: Partial<Pick<ImageReference, 'tag' | 'digest'>> = {},
  ): ImageReference {
    const { tag, digest } = version;
    return { scheme: this.#scheme, registry: this.host, repository, tag, digest };
  }

  /** Requests whose path and query, or method, space, path and query, match get `fault`, the first `times` of them; earlier rules go first. */
  fail(pattern: RegExp, fault: Fault, times = Infinity): void {
    this.#rules.push({ pattern, fault, timesLeft: times });
  }

  addImage(repository: string, tag: string, image: TestImage): void {
    for (const [digest, bytes] of image.blobs) this.blobs.set(digest, bytes);
    this.addManifest(repository, tag, image.manifest);
  }

  /** Serves `bytes` under the tag and under their digest. Headers that are `undefined` are left out. */
  addManifest(
    repository: string,
    tag: string,
    bytes: Buffer | string,
    headers: Readonly<Record<string, string | undefined>> = {},
  ): Digest {
    const buffer = Buffer.from(bytes);
    const digest = digestOf(buffer);
    const all = { 'content-type': OCI_MANIFEST_TYPE, 'docker-content-digest': digest, ...headers };
    const content = { bytes: buffer, headers: withoutUndefined(all) };
    this.#manifests.set(`${repository}:${tag}`, content);
    this.#manifests.set(`${repository}:${digest}`, content);
    return digest;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { url = '' } = request;
    (url === BASE ? this.seenAtBase : this.seen).push(seenOf(request));
    if (this.guard(request, response)) return;
    const content = this.#contentOf(new URL(url, `http://${this.host}`));
    const rule = this.#rules.find(
      ({ pattern, timesLeft }) =>
        timesLeft > 0 && (pattern.test(url) || pattern.test(`${request.method} ${url}`)),
    );
    if (rule !== undefined) {
      rule.timesLeft -= 1;
      rule.fault(response, content);
      return;
    }
    if (content === undefined) {
      response.writeHead(404).end();
      return;
    }
    serve(response, content, request.headers);
  }

  #contentOf(url: URL): Content | undefined {
    if (url.pathname === BASE) return { bytes: Buffer.from('{}'), headers: {} };
    const [, repository = '', kind = '', name = ''] =
      /^\/v2\/(.+)\/(blobs|manifests|tags)\/([^/]+)$/.exec(url.pathname) ?? [];
    if (kind === 'manifests') return this.#manifests.get(`${repository}:${name}`);
    if (kind === 'tags') return this.#tagPage(repository, url);
    const blob = [...this.blobs].find(([digest]) => digest === name);
    return blob === undefined
      ? undefined
      : { bytes: blob[1], headers: { 'content-length': `${blob[1].length}` } };
  }

  #tagPage(repository: string, url: URL): Content | undefined {
    const pages = this.tagPages.get(repository);
    const page = Number(url.searchParams.get('page') ?? '0');
    const tags = pages?.[page];
    if (tags === undefined) return undefined;
    const isLast = page + 1 === pages?.length;
    const link = { link: `<${url.pathname}?page=${page + 1}>; rel="next"` };
    return { bytes: Buffer.from(JSON.stringify({ name: repository, tags })), headers: isLast ? {} : link };
  }
}

function seenOf(request: IncomingMessage): SeenRequest {
  const { method = '', url = '', headers } = request;
  const {
    authorization,
    accept,
    range,
    'user-agent': userAgent,
    'content-type': contentType,
    'if-none-match': ifNoneMatch,
  } = headers;
  const seen = { method, url, authorization, accept, range, userAgent, contentType, ifNoneMatch, body: '' };
  request.setEncoding('utf8').on('data', (text: string) => {
    seen.body += text;
  });
  return seen;
}

function withoutUndefined(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function serve(
  response: ServerResponse,
  { bytes, headers }: Content,
  { range, 'if-none-match': known }: IncomingMessage['headers'],
): void {
  if (known !== undefined && known === headers['etag']) {
    response.writeHead(304, headers).end();
    return;
  }
  const [, first] = /^bytes=(\d+)-$/.exec(range ?? '') ?? [];
  if (first === undefined) {
    response.writeHead(200, headers).end(bytes);
    return;
  }
  if (Number(first) >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  const rest = bytes.subarray(Number(first));
  const contentRange = `bytes ${first}-${bytes.length - 1}/${bytes.length}`;
  response
    .writeHead(206, { ...headers, 'content-length': rest.length, 'content-range': contentRange })
    .end(rest);
}
