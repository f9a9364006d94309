import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { Chunks } from '../../../../publisher/repository/cvmfs/chunks.ts';
import { pseudoRandom } from '../../../support/e2e/pseudo-random.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** What was given so far, in the order in which it was. */
function collector() {
  const chunks = new Chunks();
  const taken: Uint8Array[] = [];
  return {
    chunks,
    take: () => void taken.push(...chunks.takeFull()),
    all: () => Buffer.concat([...taken, ...chunks.takeAll()]),
  };
}

describe('publisher/repository/cvmfs/chunks', () => {
  const SIZES = [0, 1, 511, 512, 513, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, MIB - 1, MIB, MIB + 1, 3 * MIB];
  for (const size of SIZES) {
    it(`gives ${size} bytes as they came, padded to whole blocks`, () => {
      const { chunks, all } = collector();
      const bytes = Buffer.alloc(size, 'content');
      chunks.write(bytes);
      chunks.pad();
      const given = all();
      assert.equal(given.length % 512, 0);
      assert.ok(given.length - size < 512);
      assert.ok(given.subarray(0, size).equals(bytes));
      assert.ok(given.subarray(size).every((byte) => byte === 0));
    });
  }

  it('gives nothing before a chunk is full, and each chunk once', () => {
    const chunks = new Chunks();
    chunks.block();
    assert.deepEqual(chunks.takeFull(), []);
    chunks.write(Buffer.alloc(64 * KIB));
    assert.deepEqual(
      chunks.takeFull().map(({ length }) => length),
      [512, 64 * KIB],
    );
    assert.deepEqual(chunks.takeFull(), []);
    assert.deepEqual(chunks.takeAll(), []);
  });

  it('passes large pieces on without a copy', () => {
    const chunks = new Chunks();
    const piece = Buffer.alloc(64 * KIB);
    chunks.write(piece);
    assert.equal(chunks.takeFull()[0], piece);
  });

  for (const length of [0, 1, 510, 511, 512, 1023, 2 * MIB]) {
    it(`ends a text of ${length} characters with a NUL and fills its last block`, () => {
      const { chunks, all } = collector();
      const text = '\u00e9'.repeat(length);
      chunks.writeText(text);
      const given = all();
      assert.equal(given.length, Math.ceil((length + 1) / 512) * 512);
      assert.equal(given.toString('latin1', 0, length), text);
      assert.ok(given.subarray(length).every((byte) => byte === 0));
    });
  }

  it('gives the same as a plain concatenation, whatever the order of pieces', () => {
    const seed = Number(process.env['UNPACKD_TEST_SEED'] ?? randomInt(2 ** 31));
    const random = pseudoRandom(seed);
    const { chunks, take, all } = collector();
    const expected: Buffer[] = [];
    for (let step = 0; step < 600; step++) {
      expected.push(random() < 0.7 ? writeSmall(chunks, random) : writeContent(chunks, random));
      if (random() < 0.5) take();
    }
    assert.ok(all().equals(Buffer.concat(expected)), `with UNPACKD_TEST_SEED=${seed}`);
  });

  it('gives the same where chunks that were read are written again', () => {
    const seed = Number(process.env['UNPACKD_TEST_SEED'] ?? randomInt(2 ** 31));
    const random = pseudoRandom(seed);
    const chunks = new Chunks();
    const [expected, given]: [Buffer[], Buffer[]] = [[], []];
    const waiting: Uint8Array[] = [];
    const read = (): void => {
      for (const chunk of waiting.splice(0)) {
        given.push(Buffer.from(chunk));
        chunks.reuse(chunk);
      }
    };
    for (let step = 0; step < 600; step++) {
      expected.push(random() < 0.7 ? writeSmall(chunks, random) : writeContent(chunks, random));
      waiting.push(...chunks.takeFull());
      if (random() < 0.3) read();
    }
    waiting.push(...chunks.takeAll());
    read();
    assert.ok(Buffer.concat(given).equals(Buffer.concat(expected)), `with UNPACKD_TEST_SEED=${seed}`);
  });

  it('makes no more buffers than wait to be read', () => {
    const chunks = new Chunks();
    const buffers = new Set<ArrayBufferLike>();
    for (let block = 0; block < 40_000; block++) {
      chunks.block();
      for (const chunk of chunks.takeFull()) {
        buffers.add(chunk.buffer);
        chunks.reuse(chunk);
      }
    }
    assert.equal(buffers.size, 2);
  });

  it('takes nothing back that was not its own', () => {
    const chunks = new Chunks();
    const content = Buffer.alloc(2 * MIB, 'content');
    chunks.write(content);
    for (const chunk of chunks.takeFull()) chunks.reuse(chunk);
    for (let block = 0; block < 5_000; block++) chunks.block();
    assert.ok(content.equals(Buffer.alloc(2 * MIB, 'content')));
  });
});

function writeSmall(chunks: Chunks, random: () => number): Buffer {
  const value = Math.floor(random() * 256);
  if (random() < 0.5) {
    chunks.block().fill(value);
    return Buffer.alloc(512, value);
  }
  const text = String.fromCharCode(value).repeat(Math.floor(random() * 2000));
  chunks.writeText(text);
  const expected = Buffer.alloc(Math.ceil((text.length + 1) / 512) * 512);
  expected.write(text, 'latin1');
  return expected;
}

function writeContent(chunks: Chunks, random: () => number): Buffer {
  const pieces = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
    const size = Math.floor(random() ** 4 * 300 * KIB);
    return Buffer.alloc(size, Math.floor(random() * 256));
  });
  for (const piece of pieces) chunks.write(piece);
  chunks.pad();
  const content = Buffer.concat(pieces);
  return Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}
