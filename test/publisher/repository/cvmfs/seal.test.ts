import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { newSeal } from '../../../../publisher/repository/cvmfs/seal.ts';
import { tarArchive } from '../../../../publisher/repository/cvmfs/tar-writer.ts';
import type { Attributes, Entry } from '../../../../publisher/publication/entry.ts';
import { DirectoryView } from '../../../../publisher/publication/view.ts';
import type { Release } from '../../../support/cvmfs-server/fixture.ts';
import { directoryEntry, fileEntry, linkEntry, sliced } from '../entries.ts';
import { NAME, Scene } from './scene.ts';

const OWN: Attributes = { mode: 0, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mtime: 1000 };
const END_OF_ARCHIVE = Buffer.alloc(1024);

async function* entries(): AsyncGenerator<Entry> {
  yield directoryEntry('tree');
  yield fileEntry('tree/file', 'content');
  yield linkEntry('tree/linked', 'tree/file');
}

/** The later release makes an empty file of a link without target where it is told to, which would open the seal. */
for (const release of ['2.12', '2.14'] as const)
  describe(`publisher/repository/cvmfs/seal: the seal of a stream for ${release}`, () => sealing(release));

function sealing(release: Release): void {
  let scene: Scene;
  before(async () => {
    scene = await Scene.make({ release });
  });
  after(async () => scene.fixture.close());

  /** The archive, and the beginning of each of its members. */
  async function sealed(): Promise<{ archive: Buffer; members: number[] }> {
    const seal = await newSeal(new DirectoryView(scene.fixture.view(NAME)), OWN);
    const chunks: Uint8Array[] = [];
    for await (const chunk of tarArchive(seal.wrap(sliced(entries())))) chunks.push(chunk);
    const archive = Buffer.concat(chunks);
    const members: number[] = [];
    for (let at = 0; archive[at] !== 0;) {
      members.push(at);
      const sizeBytes = Number.parseInt(archive.toString('latin1', at + 124, at + 135), 8);
      at += 512 + Math.ceil(sizeBytes / 512) * 512;
    }
    return { archive, members };
  }

  async function ingest(archive: Buffer): Promise<number | null> {
    const { command } = scene.fixture;
    const child = spawn(command, ['ingest', '-k', '-t', '-', '-b', '/', NAME], {
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(archive);
    await once(child, 'close');
    return child.exitCode;
  }

  for (const ending of ['cut off', 'ended properly'] as const) {
    it(`keeps a stream that is ${ending} before any of its members from being published`, async () => {
      const { archive, members } = await sealed();
      assert.equal(members.length, 7);
      for (const [index, at] of members.entries()) {
        const end = ending === 'cut off' ? Buffer.alloc(0) : END_OF_ARCHIVE;
        const status = await ingest(Buffer.concat([archive.subarray(0, at), end]));
        // With the two folders alone, which every publication has, nothing has come.
        if (index > 2) assert.notEqual(status, 0, `before member ${index}`);
        assert.deepEqual([...(await scene.published())], [], `before member ${index}`);
      }
    });
  }

  it('lets a whole stream be published', async () => {
    const { archive } = await sealed();
    assert.equal(await ingest(archive), 0);
    assert.deepEqual([...(await scene.published()).keys()].sort(), ['tree', 'tree/file', 'tree/linked']);
  });
}
