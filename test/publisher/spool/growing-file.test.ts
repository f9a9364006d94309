import assert from 'node:assert/strict';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { GrowingFile } from '../../../publisher/spool/growing-file.ts';
import { temporaryDirectory } from '../../support/setup.ts';

describe('publisher/spool/growing-file', () => {
  let path: string;
  let writer: FileHandle;
  let growing: GrowingFile;

  beforeEach(async () => {
    path = join(await temporaryDirectory('growing'), 'part');
    writer = await open(path, 'w');
    growing = new GrowingFile(path);
  });

  afterEach(async () => {
    await writer.close();
  });

  async function append(bytes: Buffer): Promise<void> {
    await writer.write(bytes);
    growing.grow(bytes.length);
  }

  async function readAll(): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of growing.read()) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  it('is read while it grows, and to its end', async () => {
    await append(Buffer.from('one '));
    const chunks = growing.read();
    assert.equal(String((await chunks.next()).value), 'one ');
    const next = chunks.next();
    await append(Buffer.from('two'));
    assert.equal(String((await next).value), 'two');
    growing.end('complete');
    assert.equal((await chunks.next()).done, true);
  });

  it('is read by several, from its start also when it is complete', async () => {
    const content = Buffer.alloc(3_000_000, 'content');
    const early = readAll();
    for (let at = 0; at < content.length; at += 400_000) await append(content.subarray(at, at + 400_000));
    growing.end('complete');
    assert.ok(content.equals(await early));
    assert.ok(content.equals(await readAll()));
  });

  it('shows nothing that was not said to be there', async () => {
    await writer.write(Buffer.from('not flushed'));
    const first = growing.read().next();
    const winner = await Promise.race([first, setImmediate('waiting')]);
    assert.equal(winner, 'waiting');
    growing.end('complete');
    assert.equal((await first).done, true);
  });

  it('fails its readers where it is given up, also those that come later', async () => {
    await append(Buffer.from('half'));
    const waiting = readAll();
    await setImmediate();
    growing.end('given-up');
    growing.end('complete');
    await assert.rejects(waiting, /does not become complete/);
    await assert.rejects(readAll(), /does not become complete/);
  });
});
