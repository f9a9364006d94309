import assert from 'node:assert/strict';
import { lstatSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { getAttribute, setAttribute, storesAttributes } from '../../support/cvmfs-server/system.ts';
import { skip } from '../../support/programs.ts';
import { given, succeeded } from './steps.ts';
import { describeServer } from './subject.ts';
import type { Subject } from './subject.ts';

/** Whatever the content, the largest chunk is smaller. */
const SIZE_BYTES = 17 * 1024 * 1024;
const CONTENT = 'unpackd '.repeat(SIZE_BYTES / 8);

describeServer('support-tests/cvmfs-server/chunked-files', (server) => {
  let top: string;
  beforeEach(async () => {
    top = `${server().top}/chunks`;
    await given(
      server(),
      { name: top, type: 'directory', uid: 0, gid: 0 },
      { name: `${top}/large`, content: CONTENT, uid: 0, gid: 0 },
    );
  });
  afterEach(async () => {
    succeeded(await server().run(['ingest', '-d', top, server().repository]));
  });

  it('do not come from a stream, whose links are as good as their files', async function () {
    needsAttributes(this, server());
    assert.equal(attributeOf(server(), `${top}/large`, 'user.chunks'), '1');
    await given(server(), { name: `${top}/link`, type: 'link', target: `${top}/large` });
    assert.equal(contentOf(server(), `${top}/link`), CONTENT);
    assert.equal(countedChunked(server()), 0);
  });

  it('come from a union transaction that touches them', async function () {
    needsAttributes(this, server());
    await touch(server(), `${top}/large`);
    assert.ok(Number(attributeOf(server(), `${top}/large`, 'user.chunks')) > 1);
    assert.equal(contentOf(server(), `${top}/large`), CONTENT);
    assert.equal(countedChunked(server()), 1);
  });

  it('cannot be linked to: nobody can read the link, and it is a problem of the catalog', async function () {
    needsAttributes(this, server());
    await touch(server(), `${top}/large`);
    await given(server(), { name: `${top}/link`, type: 'link', target: `${top}/large` });
    assert.equal(lstatSync(join(server().view, top, 'link')).size, SIZE_BYTES);
    assert.equal(attributeOf(server(), `${top}/link`, 'user.chunks'), undefined);
    assert.notEqual(contentOf(server(), `${top}/link`), CONTENT);
    assert.equal(countedChunked(server()), 2);
    const found = await server().run(['check', server().repository]);
    assert.equal(found.exitCode, 1);
    assert.match(found.stderr + found.stdout, /\/link produce a size mismatch\. Calculated 0 bytes/);
  });

  it('can be linked to again when a stream has brought them again, and the links too', async function () {
    needsAttributes(this, server());
    await touch(server(), `${top}/large`);
    await given(server(), { name: `${top}/link`, type: 'link', target: `${top}/large` });
    await given(server(), { name: `${top}/large`, content: CONTENT, uid: 0, gid: 0 });
    assert.equal(attributeOf(server(), `${top}/large`, 'user.chunks'), '1');
    await given(server(), { name: `${top}/link`, type: 'link', target: `${top}/large` });
    assert.equal(contentOf(server(), `${top}/link`), CONTENT);
    assert.equal(countedChunked(server()), 0);
    succeeded(await server().run(['check', server().repository]));
  });

  it('and links to them are gone when a union transaction removes them', async function () {
    needsAttributes(this, server());
    await touch(server(), `${top}/large`);
    await given(server(), { name: `${top}/link`, type: 'link', target: `${top}/large` });
    succeeded(await server().run(['transaction', server().repository]));
    for (const name of ['large', 'link']) rmSync(join(server().union, top, name));
    succeeded(await server().run(['publish', server().repository]));
    assert.equal(countedChunked(server()), 0);
    succeeded(await server().run(['check', server().repository]));
  });
});

function needsAttributes(context: Mocha.Context, { view }: Subject): void {
  if (!storesAttributes(Buffer.from(view.replace(/\/rdonly$/, ''))))
    skip(context, 'on a file system without attributes');
}

async function touch(subject: Subject, path: string): Promise<void> {
  succeeded(await subject.run(['transaction', subject.repository]));
  setAttribute(Buffer.from(join(subject.union, path)), 'user.x', Buffer.from('y'));
  succeeded(await subject.run(['publish', subject.repository]));
}

/** `undefined` where it cannot be read. */
function contentOf(subject: Subject, path: string): string | undefined {
  try {
    return readFileSync(join(subject.view, path), 'latin1');
  } catch {
    return undefined;
  }
}

function attributeOf(subject: Subject, path: string, name: string): string | undefined {
  try {
    return getAttribute(Buffer.from(`${subject.view}/${path}`), name).toString();
  } catch {
    return undefined;
  }
}

/** Those of the whole repository; the double says nothing where there never were any. */
function countedChunked(subject: Subject): number {
  const counters = attributeOf(subject, '.', 'user.repo_counters') ?? '';
  return Number(/^chunked,(\d+)$/m.exec(counters)?.[1] ?? 0);
}
