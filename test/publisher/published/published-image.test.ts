import assert from 'node:assert/strict';
import { hexOf } from '../../../core/oci/digest.ts';
import { formatPlatform } from '../../../core/oci/platform.ts';
import { formatReference } from '../../../core/oci/reference.ts';
import type { OutputName } from '../../../core/outputs.ts';
import type { ReadyImage } from '../../../publisher/image/image.ts';
import {
  chainIds,
  chainPath,
  flatId,
  flatPath,
  layerMetadataPath,
  layerPath,
  manifestPath,
  recordPath,
} from '../../../publisher/image/layout.ts';
import { foundOutputs } from '../../../publisher/outputs/outputs.ts';
import { publishedImage, publishedReference } from '../../../publisher/published/published-image.ts';
import { directory, file } from '../../support/images/layer-entry.ts';
import { failureOf } from '../../support/registry/quick-client.ts';
import { Workshop } from '../compose/workshop.ts';

const NAME = 'reg.example/team/app:1';
const facts = { outputsOf: foundOutputs };

describe('publisher/published/published-image', () => {
  let workshop: Workshop;
  let image: ReadyImage;

  beforeEach(async () => {
    workshop = await Workshop.open();
    const base = await workshop.layer(directory('d'), file('d/a', 'a'));
    const top = await workshop.layer(file('b', 'b'));
    image = await workshop.image(NAME, [base, top]);
  });

  async function found(name = NAME) {
    return await publishedImage(workshop.repository, name, facts);
  }

  it('is what was published', async () => {
    await workshop.publish([image]);
    const is = await found();
    assert.ok(is !== undefined);
    const { manifest, outputs, ...rest } = is;
    assert.deepEqual({ kind: 'image', ...manifest }, image.manifest);
    assert.deepEqual([...outputs], ['layers', 'chains', 'flat']);
    const { reference, platform, publicName, hasVariantLink } = image;
    assert.deepEqual(rest, { reference, platform, publicName, hasVariantLink });
  });

  it('has the reference that is known of it', async () => {
    await workshop.publish([image]);
    const reference = { ...image.reference, scheme: 'http' } as const;
    const referenceOf = (name: string) => (name === NAME ? reference : undefined);
    const is = await publishedImage(workshop.repository, NAME, { ...facts, referenceOf });
    assert.deepEqual(is?.reference, reference);
  });

  const NAMES = [
    ['.multiarch/arm64/', 'linux/arm64', '.multiarch/arm64/'],
    ['.multiarch/arm:v7/', 'linux/arm/v7', '.multiarch/arm:v7/'],
    ['.multiarch/amd64/', 'linux/amd64', ''],
    ['', 'linux/amd64', ''],
  ] as const;
  for (const [folder, platform, prefix] of NAMES) {
    it(`is for ${platform} where its metadata are below ${JSON.stringify(folder)}`, async () => {
      workshop.repository.put(manifestPath(`${folder}${NAME}`), 'file', image.manifest.bytes.toString());
      const is = await found(`${folder}${NAME}`);
      assert.equal(is && formatPlatform(is.platform), platform);
      assert.equal(is?.publicName, `${prefix}${NAME}`);
      assert.equal(is.reference.registry, 'reg.example');
    });
  }

  const VARIANT = '../../.multiarch/$(CVMFS_ARCH:-amd64)/reg.example/team/app:1';
  const LINKS: [what: string, links: [path: string, target: string][], isVariant: boolean][] = [
    ['a plain name', [[NAME, '../../.flat/ab/abc']], false],
    [
      'a plain name with a longer one',
      [
        [NAME, '../../.flat/ab/abc'],
        [`.multiarch/amd64/${NAME}`, 'x'],
      ],
      false,
    ],
    ['a name for all architectures', [[NAME, VARIANT]], true],
    ['only the longer name left', [[`.multiarch/amd64/${NAME}`, 'x']], true],
    ['no name left', [], false],
  ];
  for (const [what, links, isVariant] of LINKS) {
    it(`${isVariant ? 'has' : 'has not'} a variant link with ${what}`, async () => {
      workshop.repository.put(manifestPath(NAME), 'file', image.manifest.bytes.toString());
      for (const [path, target] of links) workshop.repository.put(path, 'symlink', target);
      assert.equal((await found())?.hasVariantLink, isVariant);
    });
  }

  describe('with a layer that registries do not distribute', () => {
    const layerOf = (mediaType: string, digit: string) => ({
      mediaType,
      digest: `sha256:${digit.repeat(64)}`,
      size: 1,
    });
    const manifest = {
      schemaVersion: 2,
      config: layerOf('application/vnd.oci.image.config.v1+json', 'c'),
      layers: [
        layerOf('application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', 'f'),
        layerOf('application/vnd.oci.image.layer.v1.tar+gzip', 'a'),
      ],
    };
    const partial = flatId({ config: { digest: `sha256:${'c'.repeat(64)}` }, skipped: [0] });
    const CASES: [what: string, put: () => void, skipped: number[]][] = [
      ['nothing of it', () => undefined, []],
      ['the tree without it', () => workshop.repository.put(flatPath(partial), 'directory'), [0]],
      ['the record of that', () => workshop.repository.put(recordPath('flat', hexOf(partial)), 'file'), [0]],
      ['the name of that', () => workshop.repository.put(NAME, 'symlink', `../../${flatPath(partial)}`), [0]],
    ];
    for (const [what, put, skipped] of CASES) {
      it(`is ${skipped.length === 0 ? 'whole' : 'without it'} where the repository has ${what}`, async () => {
        workshop.repository.put(manifestPath(NAME), 'file', JSON.stringify(manifest));
        put();
        const is = await found();
        assert.deepEqual(is?.manifest.skipped, skipped);
        assert.equal(is.manifest.layers.length, 2 - skipped.length);
      });
    }
  });

  it('is nothing without a manifest', async () => {
    assert.equal(await found(), undefined);
  });

  const ALL: OutputName[] = ['layers', 'chains', 'podman', 'flat'];
  const FORMS: readonly (readonly OutputName[])[] = [
    ['layers'],
    ['flat'],
    ['layers', 'flat'],
    ['layers', 'chains'],
    ['layers', 'podman'],
    ALL,
  ];
  for (const forms of FORMS) {
    it(`is found in the forms ${forms.join(', ')}, and in no other`, async () => {
      await workshop.publish([image], { outputs: new Set(forms) });
      assert.deepEqual([...((await found())?.outputs ?? [])], forms);
    });
  }

  const digests = (): Parameters<typeof chainIds>[0] => image.manifest.layers.map(({ digest }) => digest);
  const LOSSES: [what: string, lost: () => string[]][] = [
    ['its flat tree', () => [flatPath(image.manifest.config.digest)]],
    ['its public name', () => [NAME]],
    [
      'its flat tree and the record of that',
      () => [flatPath(image.manifest.config.digest), recordPath('flat', hexOf(image.manifest.config.digest))],
    ],
    ['a layer', () => digests().slice(0, 1).map(layerPath)],
    ['all layers', () => digests().map(layerPath)],
    ['the lists of where layers are from', () => digests().map(layerMetadataPath)],
    ['its topmost chain', () => chainIds(digests()).slice(1).map(chainPath)],
    ['its record for podman', () => [`.metadata/${NAME}/podman.json`]],
    ['the podman store', () => ['podmanStore']],
  ];
  for (const [what, lost] of LOSSES) {
    it(`is still meant to have all its forms when ${what} is gone`, async () => {
      await workshop.publish([image], { outputs: new Set(ALL) });
      for (const path of lost()) workshop.repository.remove(path);
      assert.deepEqual([...((await found())?.outputs ?? [])], ALL);
    });
  }

  it('has the form of no other image that shares its layers', async () => {
    const other = await workshop.image('reg.example/team/other:1', [
      await workshop.layer(directory('d'), file('d/a', 'a')),
      await workshop.layer(file('c', 'c')),
    ]);
    await workshop.publish([image]);
    await workshop.publish([other], { outputs: new Set(['flat']) });
    assert.deepEqual([...((await found('reg.example/team/other:1'))?.outputs ?? [])], ['flat']);
  });

  const BROKEN = ['', '{', 'null', '{"manifests":[]}', '{"schemaVersion":2}'];
  for (const text of BROKEN) {
    it(`fails for the manifest ${JSON.stringify(text)}`, async () => {
      workshop.repository.put(manifestPath(NAME), 'file', text);
      assert.equal((await failureOf(found())).code, 'manifest-invalid');
    });
  }

  describe('publishedReference', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const REFERENCES = [
      ['reg.example/team/app:1', 'reg.example/team/app:1'],
      ['atlas/reg.example:5000/a/b/c:1', 'reg.example:5000/a/b/c:1'],
      ['atlas/2024/localhost/app:1', 'localhost/app:1'],
      ['v1.0/reg.example/app:1', 'reg.example/app:1'],
      [`reg.example/app@${digest}`, `reg.example/app@${digest}`],
      [`sub/reg.example/app:1@${digest}`, `reg.example/app:1@${digest}`],
    ] as const;
    for (const [name, reference] of REFERENCES) {
      it(`reads ${name}`, () => {
        assert.equal(formatReference(publishedReference(name)), reference);
      });
    }

    for (const name of ['app', 'team/app:1', 'reg.example', 'reg.example/../app:1', 'reg.example/App:1']) {
      it(`refuses ${name}`, async () => {
        const failure = await failureOf(Promise.resolve().then(() => publishedReference(name)));
        assert.equal(failure.code, 'reference-invalid');
      });
    }
  });
});
