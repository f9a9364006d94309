import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSource } from '../../../wishlist/sources/fetch-file.ts';
import { recipeText } from '../../support/git/upstream.ts';
import { GitHttpServer } from '../../support/git/http-server.ts';
import { withMount } from '../../support/e2e/mounts.ts';
import { needs } from '../../support/programs.ts';
import { CertificateAuthority } from '../../support/registry/certificates.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { Reader, summary, timeOf, urlAt } from './reading.ts';

const [OLD, NEW] = ['docker.io/library/old:1', 'docker.io/library/new:2'];

describe('wishlist/sources/url: a source on a web server', () => {
  let server: Server;
  let url: string;
  let reader: Reader;
  let requests: IncomingMessage[];
  let answer: (request: IncomingMessage, response: ServerResponse) => unknown;

  beforeEach(async () => {
    requests = [];
    answer = (_, response) => response.end(recipeText(OLD));
    server = createServer((request, response) => {
      requests.push(request);
      answer(request, response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/recipe.yaml?token=a-secret-word`;
    reader = await Reader.create();
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('counts while there is no room to remember what it says', async function () {
    await mkdir(reader.directory);
    await withMount(this, reader.directory, { type: 'tmpfs', options: 'size=64k' }, async () => {
      await reader.read(urlAt(url));
      const rest = join(reader.directory, 'rest');
      await assert.rejects(writeFile(rest, Buffer.alloc(128 * 1024)), { code: 'ENOSPC' });
      answer = (_, response) => response.end(recipeText(NEW));
      const expected = { images: [NEW], code: 'disk-full', failingSince: timeOf(2) };
      assert.deepEqual(summary(await reader.read(urlAt(url))), expected);
      answer = (_, response) => response.writeHead(404).end();
      assert.deepEqual(summary(await reader.read(urlAt(url))).images, [OLD]);
      await rm(rest);
      answer = (_, response) => response.end(recipeText(NEW));
      const healed = { images: [NEW], code: undefined, failingSince: undefined };
      assert.deepEqual(summary(await reader.read(urlAt(url))), healed);
    });
  });

  it('says what the server sends, and asks only for what has changed since', async () => {
    answer = ({ headers }, response) => {
      if (headers['if-none-match'] === '"one"') response.writeHead(304).end();
      else response.writeHead(200, { etag: '"one"', 'last-modified': 'x' }).end(recipeText(OLD));
    };
    assert.deepEqual(summary(await reader.read(urlAt(url))).images, [OLD]);
    const state = await reader.read(urlAt(url));
    assert.deepEqual(summary(state), { images: [OLD], code: undefined, failingSince: undefined });
    assert.deepEqual([state.content?.since, state.fetchedAt], [timeOf(1), timeOf(2)]);
    assert.deepEqual(
      requests.map(({ headers }) => [headers['if-none-match'], headers['if-modified-since']]),
      [
        [undefined, undefined],
        ['"one"', 'x'],
      ],
    );
    answer = (_, response) => response.writeHead(200, { etag: '"two"' }).end(recipeText(NEW));
    assert.deepEqual(summary(await reader.read(urlAt(url))).images, [NEW]);
  });

  it('asks for everything again after what was no recipe', async () => {
    answer = (_, response) => response.writeHead(200, { etag: '"bad"' }).end('version: 1\n');
    assert.equal(summary(await reader.read(urlAt(url))).code, 'recipe-invalid');
    await reader.read(urlAt(url));
    assert.equal(requests[1]?.headers['if-none-match'], undefined);
  });

  const answers: Readonly<Record<string, readonly [(response: ServerResponse) => unknown, code: string]>> = {
    'wants credentials': [(response) => response.writeHead(401).end(), 'source-unauthorized'],
    forbids: [(response) => response.writeHead(403).end(), 'source-unauthorized'],
    'has no such thing': [(response) => response.writeHead(404).end(), 'source-invalid'],
    'has nothing to say': [(response) => response.writeHead(204).end(), 'source-unreachable'],
    'is overloaded': [(response) => response.writeHead(503).end(), 'source-unreachable'],
    'wants a pause': [(response) => response.writeHead(429).end(), 'source-unreachable'],
    'says unasked that nothing changed': [(response) => response.writeHead(412).end(), 'source-invalid'],
    'breaks off': [
      (response) => response.write('version: 1', () => response.destroy()),
      'source-unreachable',
    ],
    'sends more than 16 MiB': [
      (response) => response.end(Buffer.alloc(16 * 1024 * 1024 + 1, '#')),
      'source-invalid',
    ],
    'sends no UTF-8': [(response) => response.end(Buffer.from([0xff])), 'recipe-unreadable'],
    'redirects for ever': [
      (response) => response.writeHead(302, { location: '/recipe.yaml' }).end(),
      'source-invalid',
    ],
    'redirects to something else': [
      (response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
      'source-invalid',
    ],
  };
  for (const [what, [bad, code]] of Object.entries(answers)) {
    it(`keeps its last content when the server ${what}`, async () => {
      await reader.read(urlAt(url));
      answer = (_, response) => bad(response);
      const state = await reader.read(urlAt(url));
      assert.deepEqual(summary(state), { images: [OLD], code, failingSince: timeOf(2) });
      assert.equal(`${state.failure?.message}`.includes('a-secret-word'), false);
    });
  }

  it('is unreachable where the server says nothing', async () => {
    answer = () => undefined;
    const impatient = await Reader.create({ timeLimitMs: 200 });
    assert.equal(summary(await impatient.read(urlAt(url))).code, 'source-unreachable');
  });

  const logins = [
    [{ user: 'robot', password: 'pässword' }, `Basic ${Buffer.from('robot:pässword').toString('base64')}`],
    [{ user: undefined, password: 'token' }, 'Bearer token'],
  ] as const;
  for (const [login, expected] of logins) {
    it(`gets credentials: ${expected.split(' ')[0]}, and no other server does`, async () => {
      const other = await GitHttpServer.start('/nonexistent', {
        intercept: (_, response) => {
          response.end(recipeText(NEW));
          return true;
        },
      });
      answer = (_, response) => response.writeHead(307, { location: `${other.url}/x` }).end();
      try {
        assert.deepEqual(summary(await reader.read(urlAt(url, { login }))).images, [NEW]);
        assert.deepEqual([requests[0]?.headers.authorization, other.authorizations], [expected, [undefined]]);
      } finally {
        await other.close();
      }
    });
  }

  it('is asked by HTTPS where its authority is known', async function () {
    needs(this, 'openssl');
    const authority = await CertificateAuthority.create();
    const tls = await authority.issue({ purpose: 'server' });
    const secure = await GitHttpServer.start('/nonexistent', {
      tls,
      intercept: (request, response) => {
        if (request.url === '/down') response.writeHead(302, { location: url }).end();
        else response.end(recipeText(NEW));
        return true;
      },
    });
    try {
      const { certificateFile: authorities } = authority;
      assert.equal(summary(await reader.read(urlAt(secure.url))).code, 'source-untrusted');
      assert.deepEqual(summary(await reader.read(urlAt(secure.url, { authorities }))).images, [NEW]);
      const down = urlAt(`${secure.url}/down`, { authorities });
      assert.equal(summary(await reader.read(down)).code, 'source-invalid');
      const missing = urlAt(`${secure.url}/x`, { authorities: '/nonexistent/ca.pem' });
      assert.equal(summary(await reader.read(missing)).code, 'source-untrusted');
    } finally {
      await secure.close();
    }
  });
});

describe('wishlist/sources/url: a source that is a file', () => {
  it('keeps its last content while the file is missing or wrong', async () => {
    const path = join(await temporaryDirectory('file'), 'recipe.yaml');
    const source = fileSource({ name: 'local', path });
    const reader = await Reader.create();
    await writeFile(path, recipeText(OLD));
    assert.deepEqual(summary(await reader.read(source)).images, [OLD]);
    await writeFile(path, 'version: 7');
    const failing = { images: [OLD], failingSince: timeOf(2) };
    assert.deepEqual(summary(await reader.read(source)), { ...failing, code: 'recipe-invalid' });
    await rm(path);
    assert.deepEqual(summary(await reader.read(source)), { ...failing, code: 'recipe-unreadable' });
    await writeFile(path, recipeText(NEW));
    const { content } = await reader.read(source);
    assert.deepEqual(content?.recipes[0]?.wishes[0]?.origin, {
      source: 'local',
      file: path,
      commit: undefined,
    });
  });

  it('cannot be remembered where the state directory cannot be used', async () => {
    const path = join(await temporaryDirectory('file'), 'recipe.yaml');
    await writeFile(path, recipeText(OLD));
    const reader = await Reader.create({ directory: path });
    await assert.rejects(reader.read(fileSource({ name: 'local', path })), { code: 'state-unusable' });
  });
});
