import { gzipSync } from 'node:zlib';
import {
  cut,
  drop,
  endless,
  garbage,
  instead,
  redirect,
  shortened,
  status,
  wrongBytes,
  type Fault,
} from '../../support/registry/faults.ts';
import type { FailureCode } from '../../../core/failure.ts';

/** A registry that does wrong for one repository. */
export type AnswerCase = readonly [
  what: string,
  /** What is asked for when it does. `token` asks for one first, from the same server. */
  kind: 'manifests' | 'layers' | 'tags' | 'token',
  fault: Fault,
  /** The code of the image's failure; `published` where it does no harm; `nothing` where there is no image then. */
  code: FailureCode | 'published' | 'nothing',
];

/** Stands in an address: whoever prints it tells a secret. */
export const SECRET = 'secret-of-a-location';

/** Writes an answer that is no HTTP, or that a server of Node's would not send. */
function raw(text: (content: string) => string): Fault {
  return (response, content) => response.socket?.end(text(content?.bytes.toString('latin1') ?? ''), 'latin1');
}

/** The right bytes with other headers; those that are empty are left out. */
function withHeaders(headers: Readonly<Record<string, string>>): Fault {
  return (response, content) => {
    for (const [name, value] of Object.entries({ ...content?.headers, ...headers }))
      if (value !== '') response.setHeader(name, value);
    response.end(content?.bytes);
  };
}

/** What belongs there, changed; its digest is that of the changed bytes. */
function changed(change: (text: string) => string | Buffer): Fault {
  return (response, content) => {
    response.writeHead(200, { 'content-type': content?.headers['content-type'] ?? 'text/plain' });
    response.end(change(content?.bytes.toString('latin1') ?? ''));
  };
}

function challenge(text: string): Fault {
  return status(401, { headers: { 'www-authenticate': text } });
}

const toItself: Fault = (response) => {
  response.writeHead(307, { location: response.req.url }).end();
};

const ZEROS = gzipSync(Buffer.alloc(50_000_000));
const CRLF = '\r\n';

const REDIRECTS: readonly AnswerCase[] = [
  ['a redirect to itself', 'manifests', toItself, 'registry-error'],
  ['a redirect of a layer to itself', 'layers', toItself, 'registry-error'],
  ['a redirect to a file', 'manifests', redirect('file:///etc/passwd'), 'registry-error'],
  ['a redirect of a layer to a file', 'layers', redirect('file:///etc/passwd'), 'registry-error'],
  ['a redirect to data', 'manifests', redirect('data:application/json,{}'), 'registry-error'],
  ['a redirect to another protocol', 'layers', redirect('gopher://127.0.0.1:0/'), 'registry-error'],
  ['a redirect to no address', 'manifests', redirect('http://['), 'registry-error'],
  ['a redirect without an address', 'manifests', status(307), 'registry-error'],
  ['a redirect to nobody', 'layers', redirect('http://127.0.0.1:0/v2/x'), 'registry-unreachable'],
  ['a redirect with a password', 'layers', redirect(`http://u:${SECRET}@127.0.0.1:0/`), 'registry-error'],
  ['a redirect of tags to a file', 'tags', redirect('file:///etc/passwd'), 'registry-error'],
];

const HEADERS: readonly AnswerCase[] = [
  ['no HTTP', 'manifests', garbage, 'registry-error'],
  ['a closed connection', 'layers', drop, 'registry-unreachable'],
  [
    'thousands of headers',
    'manifests',
    raw(() => `HTTP/1.1 200 OK${CRLF}${`x: ${'y'.repeat(100)}${CRLF}`.repeat(5_000)}${CRLF}`),
    'registry-error',
  ],
  [
    'a header of a megabyte',
    'layers',
    raw(() => `HTTP/1.1 200 OK${CRLF}x: ${'y'.repeat(1e6)}`),
    'registry-error',
  ],
  [
    'a header with a NUL',
    'manifests',
    raw(() => `HTTP/1.1 200 OK${CRLF}x: \0${CRLF}${CRLF}{}`),
    'registry-error',
  ],
  ['a status that is none', 'manifests', raw(() => `HTTP/1.1 1000 X${CRLF}${CRLF}`), 'registry-error'],
  ['HTTP of another version', 'manifests', raw(() => `HTTP/9.9 200 OK${CRLF}${CRLF}`), 'registry-error'],
  [
    'thousands of answers to come',
    'manifests',
    raw(() => `HTTP/1.1 100 Continue${CRLF}${CRLF}`.repeat(5_000)),
    'registry-unreachable',
  ],
  [
    'two lengths',
    'layers',
    raw((text) => `HTTP/1.1 200 OK${CRLF}content-length: 1${CRLF}content-length: 9${CRLF}${CRLF}${text}`),
    'registry-error',
  ],
  [
    'a length and chunks',
    'manifests',
    raw(
      () => `HTTP/1.1 200 OK${CRLF}content-length: 1${CRLF}transfer-encoding: chunked${CRLF}${CRLF}0${CRLF}`,
    ),
    'registry-error',
  ],
  [
    'a chunk of 16 exabytes',
    'layers',
    raw(() => `HTTP/1.1 200 OK${CRLF}transfer-encoding: chunked${CRLF}${CRLF}ffffffffffffffff${CRLF}x`),
    'registry-error',
  ],
  [
    'a chunk of no size',
    'manifests',
    raw(() => `HTTP/1.1 200 OK${CRLF}transfer-encoding: chunked${CRLF}${CRLF}-1${CRLF}x`),
    'registry-error',
  ],
  ['a digest that is none', 'manifests', withHeaders({ 'docker-content-digest': '../../x' }), 'published'],
  [
    'another digest',
    'manifests',
    withHeaders({ 'docker-content-digest': `sha256:${'0'.repeat(64)}` }),
    'digest-mismatch',
  ],
  ['another media type', 'manifests', withHeaders({ 'content-type': 'text/html' }), 'published'],
  [
    'a media type of 5,000 characters',
    'manifests',
    withHeaders({ 'content-type': 'x'.repeat(5_000) }),
    'published',
  ],
  ['no media type', 'manifests', withHeaders({ 'content-type': '' }), 'published'],
];

const BODIES: readonly AnswerCase[] = [
  ['half a manifest', 'manifests', cut, 'registry-error'],
  ['half a layer', 'layers', cut, 'registry-error'],
  ['other bytes', 'layers', wrongBytes, 'digest-mismatch'],
  ['a layer that is too short', 'layers', shortened, 'digest-mismatch'],
  ['a layer that never ends', 'layers', endless, 'digest-mismatch'],
  ['a manifest that never ends', 'manifests', endless, 'manifest-invalid'],
  ['nothing', 'manifests', instead(''), 'manifest-invalid'],
  ['no content', 'manifests', status(204), 'registry-error'],
  ['a part that nobody asked for', 'layers', status(206), 'registry-error'],
  ['"not modified" where nothing is known', 'manifests', status(304), 'registry-error'],
  ['a range that cannot be', 'layers', status(416), 'registry-error'],
  [
    'a manifest of zeros, compressed',
    'manifests',
    instead(ZEROS, { 'content-encoding': 'gzip' }),
    'manifest-invalid',
  ],
  [
    'a layer of zeros, compressed',
    'layers',
    instead(ZEROS, { 'content-encoding': 'gzip' }),
    'digest-mismatch',
  ],
  ['lists in lists', 'manifests', instead('['.repeat(100_000) + ']'.repeat(100_000)), 'manifest-invalid'],
  ['objects in objects', 'manifests', instead('{"a":'.repeat(100_000)), 'manifest-invalid'],
  ['a byte order mark', 'manifests', changed((text) => Buffer.from(`\ufeff${text}`)), 'manifest-invalid'],
  ['UTF-16', 'manifests', changed((text) => Buffer.from(text, 'utf16le')), 'manifest-invalid'],
  ['something after its end', 'manifests', changed((text) => `${text}{}`), 'manifest-invalid'],
  [
    'a prototype',
    'manifests',
    changed((text) => text.replace('{', '{"__proto__":{"layers":[]},"constructor":{"prototype":{}},')),
    'published',
  ],
  [
    'a number that is none',
    'manifests',
    changed((text) => text.replace(/"size":\d+/, '"size":1e999')),
    'manifest-invalid',
  ],
  ['members twice', 'manifests', changed((text) => text.replace('{', '{"layers":[],')), 'published'],
  ['a list of tags that is none', 'tags', instead('{"tags":{"a":1}}'), 'registry-error'],
  ['tags that are none', 'tags', instead('{"tags":["../../x","a b","\\n::error::x",""]}'), 'nothing'],
  [
    'pages in a circle',
    'tags',
    instead('{"tags":["1"]}', { link: '<?again>; rel="next"' }),
    'registry-error',
  ],
  [
    'a next page elsewhere',
    'tags',
    instead('{"tags":[]}', { link: '<file:///etc/passwd>; rel="next"' }),
    'registry-error',
  ],
];

const CHALLENGES: readonly AnswerCase[] = [
  ['a challenge of a file', 'manifests', challenge('Bearer realm="file:///etc/passwd"'), 'registry-error'],
  ['a challenge that does not end', 'manifests', challenge('Bearer realm="'), 'unauthorized'],
  ['a challenge of nothing', 'manifests', challenge('=,=,=""'), 'unauthorized'],
  [
    'a challenge of thousands of parts',
    'manifests',
    challenge(`Bearer ${'a="b",'.repeat(2_000)}`),
    'unauthorized',
  ],
  [
    'a challenge for credentials that there are not',
    'manifests',
    challenge('Basic realm="x"'),
    'unauthorized',
  ],
  ['a token that is no JSON', 'token', instead('<html>'), 'registry-error'],
  ['a token that is a number', 'token', instead('{"token":1}'), 'registry-error'],
  ['a token with a line break', 'token', instead('{"token":"a\\r\\nx: y"}'), 'registry-error'],
  ['a token of 3 MB', 'token', instead(JSON.stringify({ token: 't'.repeat(3e6) })), 'registry-error'],
  ['a token that never ends', 'token', endless, 'registry-error'],
  ['a token behind a redirect to itself', 'token', toItself, 'registry-error'],
];

export const ANSWERS = {
  redirects: REDIRECTS,
  headers: HEADERS,
  bodies: BODIES,
  challenges: CHALLENGES,
} as const;
