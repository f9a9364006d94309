import type { Random } from '../../publisher/tree/random-stacks.ts';
import type { FaultServer } from '../../support/registry/fault-server.ts';
import {
  cut,
  drip,
  drop,
  endless,
  garbage,
  instead,
  redirect,
  shortened,
  silence,
  stall,
  status,
  wrongBytes,
  type Fault,
} from '../../support/registry/faults.ts';
import { amount, oneIn, pick } from './choices.ts';

/** Does wrong whenever something of `repository` is asked for, or only so many times. @returns what it does, for people */
export function misbehave(random: Random, server: FaultServer, repository: string): string {
  const kind = pick(random, ['manifests', 'blobs', 'tags', '(?:manifests|blobs|tags)']);
  const method = pick(random, ['', '', 'GET ', 'HEAD ']);
  const [name, fault] = pick(random, FAULTS)(random, server.host);
  const times = oneIn(random, 2) ? Infinity : 1 + random(3);
  server.fail(new RegExp(`^${method}/v2/${repository}/${kind}/`), fault, times);
  return `${method}${kind}: ${name}${times === Infinity ? '' : `, ${times} times`}`;
}

type MakeFault = (random: Random, host: string) => readonly [name: string, fault: Fault];

const FAULTS: readonly MakeFault[] = [
  () => ['never answers', silence],
  () => ['closes the connection', drop],
  () => ['no HTTP', garbage],
  () => ['half a body', cut],
  () => ['half a body, then nothing', stall],
  () => ['drips', drip()],
  () => ['other bytes', wrongBytes],
  () => ['too short', shortened],
  () => ['never ends', endless],
  (random) => {
    const [tags, length] = [amount(random, 10_000), amount(random, 100)];
    return [`pages of ${tags} tags for ever`, pages(tags, 't'.repeat(length))];
  },
  (random) => {
    const code = pick(random, [100, 201, 204, 206, 304, 400, 401, 403, 404, 410, 416, 418, 500, 503, 599]);
    return [`status ${code}`, status(code === 100 ? 503 : code)];
  },
  (random) => {
    const wait = pick(random, ['0', '1', '61', '-1', 'x', '99999999999', 'Thu, 01 Jan 1970 00:00:00 GMT']);
    return [`429, Retry-After ${wait}`, status(429, { headers: { 'retry-after': wait } })];
  },
  (random, host) => {
    const to = pick(random, [
      '',
      '//',
      '../../..',
      'file:///etc/passwd',
      'http://127.0.0.1:0/',
      'http://[::1]:0/',
      `http://user:secret@${host}/v2/x/manifests/1`,
      `https://${host}/`,
      `/v2/guest/${'x'.repeat(amount(random, 10_000))}`,
    ]);
    return [`redirect to ${to.slice(0, 60)}`, redirect(to, pick(random, [301, 302, 303, 307, 308]))];
  },
  // To itself, for ever.
  () => ['redirect to the same place', (response) => redirect(response.req.url ?? '/')(response, undefined)],
  (random, host) => {
    const challenge = pick(random, [
      `Bearer realm="http://${host}/token",service="x",scope="repository:x:pull"`,
      'Bearer realm="file:///etc/passwd"',
      'Bearer realm="',
      `Bearer ${'a="b",'.repeat(amount(random, 1_000))}`,
      'Basic',
      'Basic realm="a", Bearer realm="b"',
      '=,=,=',
    ]);
    return [`401 ${challenge.slice(0, 60)}`, status(401, { headers: { 'www-authenticate': challenge } })];
  },
  (random) => {
    const bytes = Buffer.alloc(amount(random, 6_000_000), pick(random, ['[', '{"a":', ' ', '\0', '"']));
    return [`${bytes.length} other bytes`, instead(bytes)];
  },
  (random) => {
    const size = pick(random, ['0', '1', '99999999999999']);
    return [
      `Content-Length ${size}`,
      (response, content) => {
        response.socket?.end(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n${String(content?.bytes)}`);
      },
    ];
  },
  (random) => {
    const digest = pick(random, ['sha256:0', `sha256:${'0'.repeat(64)}`, '../../x', 'x'.repeat(5_000)]);
    return [
      'another digest',
      (response, content) => {
        response.writeHead(200, { ...content?.headers, 'docker-content-digest': digest });
        response.end(content?.bytes);
      },
    ];
  },
  // Header after header: more than any client takes.
  (random) => {
    const lines = Array.from({ length: amount(random, 5_000) }, (_, at) => `x-${at}: ${'y'.repeat(50)}\r\n`);
    return [
      `${lines.length} headers`,
      (response) => {
        response.socket?.end(`HTTP/1.1 200 OK\r\n${lines.join('')}\r\n`);
      },
    ];
  },
];

/** Each page has tags that nobody has seen before, and a link to the next. */
function pages(tags: number, prefix: string): Fault {
  return (response) => {
    const page = Number(/page=(\d+)/.exec(response.req.url ?? '')?.[1] ?? 0);
    const list = Array.from({ length: tags }, (_, at) => `${prefix}${page}.${at}`);
    response.writeHead(200, { link: `<?page=${page + 1}>; rel="next"` }).end(JSON.stringify({ tags: list }));
  };
}
