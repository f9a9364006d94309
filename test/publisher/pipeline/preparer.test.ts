import { ANY_IMAGE } from '../../../publisher/image/image-limits.ts';
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadyImage, ResolvedImage } from '../../../publisher/image/image.ts';
import { UNLIMITED } from '../../../publisher/layer/limits.ts';
import { layerRoot, recordPath } from '../../../publisher/image/layout.ts';
import { Preparer } from '../../../publisher/pipeline/preparer.ts';
import { hexOf, type Digest } from '../../../core/oci/digest.ts';
import type { ImageConfig } from '../../../core/oci/config.ts';
import type { Descriptor } from '../../../core/oci/manifest.ts';
import { file, hardLink } from '../../support/images/layer-entry.ts';
import type { Layer } from '../../support/images/layer.ts';
import { failureOf } from '../../support/registry/quick-client.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { Workshop } from '../compose/workshop.ts';
import type { OutputName } from '../../../core/outputs.ts';
import { uninterrupted } from '../repository/entries.ts';

const OTHERS: Digest = `sha256:${'0'.repeat(64)}`;
const OUTPUTS = new Set<OutputName>(['layers', 'chains', 'flat']);

describe('publisher/pipeline/preparer', () => {
  let workshop: Workshop;
  let folder: string;
  /** Blobs that were asked for. */
  let fetched: Digest[];
  let blobs: Map<Digest, Buffer>;
  /** Lets the first download begin. */
  let begin: () => void;
  let preparer: Preparer;
  beforeEach(async () => {
    workshop = await Workshop.open();
    folder = await temporaryDirectory('preparer');
    fetched = [];
    blobs = new Map();
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const configs = new Map<ResolvedImage['manifest'], ImageConfig>();
    const parts = {
      client: {
        fetchConfig: async (_: unknown, manifest: ReadyImage['manifest']) => configs.get(manifest),
        fetchDocuments: async (_: unknown, manifest: ReadyImage['manifest']) => manifest,
      },
      spool: {
        pathOf: (digest: Digest) => join(folder, hexOf(digest)),
        fetch: async (_: unknown, _reference: unknown, { digest }: Descriptor) => {
          fetched.push(digest);
          await begun;
          const path = join(folder, hexOf(digest));
          await writeFile(path, blobs.get(digest) ?? assert.fail('no such blob'));
          return path;
        },
      },
      backend: { filesAside: async () => undefined },
      listings: workshop.listings,
      view: workshop.repository,
      observe: () => undefined,
      options: { overwriteLayers: false, downloads: 2, layerLimits: UNLIMITED, imageLimits: ANY_IMAGE },
    };
    preparer = new Preparer(parts as never);
    prepare = async ({ config, ...image }) => {
      configs.set(image.manifest, config);
      return await preparer.prepare({ ...image, outputs: OUTPUTS }, uninterrupted().signal);
    };
  });
  let prepare: (image: ReadyImage) => Promise<ReadyImage>;

  /** An image whose layers nobody has read yet. */
  async function imageOf(name: string, layers: readonly Layer[]): Promise<ReadyImage> {
    const other = await Workshop.open();
    for (const layer of layers) if ('bytes' in layer) blobs.set(layer.digest, layer.bytes);
    return await other.image(name, layers);
  }

  it('asks of each image whether a layer is what its config says, also while another has it', async () => {
    const layer = await workshop.layer(file('evil', 'x'));
    const honest = await imageOf('reg.example/own:1', [layer]);
    const claim = await imageOf('reg.example/claim:1', [layer]);
    const claiming = { ...claim, config: { ...claim.config, diffIds: [OTHERS] } };
    const both = [prepare(honest), failureOf(prepare(claiming))] as const;
    begin();
    const [ready, failure] = await Promise.all(both);
    assert.ok(ready.blobs.has(layer.digest));
    assert.equal(failure.code, 'digest-mismatch');
  });

  it('asks of a layer that an image has twice whether it is both times what the config says', async () => {
    const layer = await workshop.layer(file('evil', 'x'));
    const image = await imageOf('reg.example/own:1', [layer, layer]);
    begin();
    const failure = await failureOf(
      prepare({ ...image, config: { ...image.config, diffIds: [layer.diffId, OTHERS] } }),
    );
    assert.equal(failure.code, 'digest-mismatch');
  });

  it('takes an image whose layer another one says wrong things of', async () => {
    const layer = await workshop.layer(file('good', 'x'));
    const claim = await imageOf('reg.example/claim:1', [layer]);
    const both = [
      failureOf(prepare({ ...claim, config: { ...claim.config, diffIds: [OTHERS] } })),
      prepare(await imageOf('reg.example/own:1', [layer])),
    ] as const;
    begin();
    const [failure, ready] = await Promise.all(both);
    assert.equal(failure.code, 'digest-mismatch');
    assert.ok(ready.blobs.has(layer.digest));
  });

  describe('brings a published layer again', () => {
    for (const [what, record, links, isBrought] of [
      ['that has files of others', '1\n', true, true],
      ['that has files of others, from before there were rules', '', true, true],
      ['that has none: not', '1\n', false, false],
      ['that was made without them: not', '2\n', true, false],
    ] as const) {
      it(what, async () => {
        const base = await workshop.layer(file('f', 'x'));
        const layer = await workshop.layer(file('own', 'x'), ...(links ? [hardLink('g', 'f')] : []));
        for (const [{ digest }, text] of [
          [base, '2\n'],
          [layer, record],
        ] as const) {
          workshop.repository.put(layerRoot(digest), 'directory');
          workshop.repository.put(recordPath('layers', hexOf(digest)), 'file', text);
        }
        begin();
        const { blobs: brought } = await prepare(await imageOf('reg.example/app:1', [base, layer]));
        assert.deepEqual([...brought.keys()], isBrought ? [layer.digest] : []);
        const again = await prepare(await imageOf('reg.example/app:2', [base, layer]));
        assert.deepEqual([...again.blobs.keys()], isBrought ? [layer.digest] : []);
      });
    }
  });
});
