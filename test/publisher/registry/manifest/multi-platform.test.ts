import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import type { RegistryClient } from '../../../../publisher/registry/client.ts';
import type { Platform } from '../../../../core/oci/platform.ts';
import { parseReference } from '../../../../core/oci/reference.ts';
import { PLATFORMS, PLATFORM_FILE, pushMultiPlatformImage } from '../../../support/images/multi-platform.ts';
import { describeWith } from '../../../support/programs.ts';
import { startDockerRegistry, type DockerRegistry } from '../../../support/registry/docker-registry.ts';
import { digestOf } from '../../../support/registry/image.ts';
import { collect, failureOf, quickClient } from '../../../support/registry/quick-client.ts';

interface RawIndex {
  readonly mediaType: string;
  readonly manifests: readonly { readonly digest: string; readonly platform: Platform }[];
}

const FLAVOURS = [
  { flavour: 'oci', list: 'application/vnd.oci.image.index.v1+json' },
  { flavour: 'docker', list: 'application/vnd.docker.distribution.manifest.list.v2+json' },
] as const;

function platformOf(name: string): Platform {
  const [os = '', architecture = '', variant] = name.split('/');
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

for (const { flavour, list } of FLAVOURS) {
  describeWith(
    ['buildah', 'docker-registry', 'skopeo', 'root'],
    `publisher/registry/manifest/multi-platform: registry/client with an image for several platforms of buildah (${flavour})`,
    () => {
      let registry: DockerRegistry;
      let client: RegistryClient;
      let index: RawIndex;

      before(async () => {
        client = quickClient();
        registry = await startDockerRegistry();
        const image = `${registry.host}/lab/multi:1`;
        await pushMultiPlatformImage(image, flavour);
        const words = ['inspect', '--raw', '--tls-verify=false', `docker://${image}`];
        const { stdout } = await promisify(execFile)('skopeo', words);
        index = JSON.parse(stdout) as RawIndex;
      });

      after(async () => {
        await client?.close();
        await registry?.close();
      });

      function reference(): ReturnType<typeof parseReference> {
        return parseReference(`http://${registry.host}/lab/multi:1`);
      }

      it('has an index of its kind, with all platforms', () => {
        assert.equal(index.mediaType, list);
        assert.deepEqual(
          index.manifests.map(({ platform }) => platform),
          PLATFORMS.map(platformOf),
        );
        assert.equal(new Set(index.manifests.map(({ digest }) => digest)).size, PLATFORMS.length);
      });

      for (const [position, name] of PLATFORMS.entries()) {
        it(`gives the manifest, the config and the layer for ${name}`, async () => {
          const manifest = await client.fetchManifest(reference(), platformOf(name));
          assert.equal(manifest.digest, index.manifests[position]?.digest);
          assert.equal(digestOf(manifest.bytes), manifest.digest);
          const config = await collect(await client.openBlob(reference(), manifest.config));
          const { os, architecture, variant } = JSON.parse(config.toString()) as Platform;
          assert.deepEqual({ os, architecture, variant }, { variant: undefined, ...platformOf(name) });
          const [layer, ...others] = manifest.layers;
          assert(layer !== undefined);
          assert.deepEqual(others, []);
          const archive = gunzipSync(await collect(await client.openBlob(reference(), layer)));
          const text = archive.toString('latin1');
          assert(text.includes(PLATFORM_FILE) && text.includes(`\0${name}\n\0`));
        });
      }

      it('gives linux/amd64 where no platform is asked for', async () => {
        assert.equal((await client.fetchManifest(reference())).digest, index.manifests[0]?.digest);
      });

      for (const name of ['linux/s390x', 'linux/arm/v5', 'windows/amd64']) {
        it(`has nothing for ${name}`, async () => {
          const failure = await failureOf(client.fetchManifest(reference(), platformOf(name)));
          assert.equal(failure.code, 'platform-missing');
          for (const available of PLATFORMS) assert(failure.message.includes(available), failure.message);
        });
      }
    },
  );
}
