import { strict as assert } from 'node:assert';
import type { RegistryClient } from '../../../publisher/registry/client.ts';
import type { ImageReference } from '../../../core/oci/reference.ts';
import { temporaryDirectory } from '../setup.ts';
import { startDockerRegistry } from './docker-registry.ts';
import type { TestLayer } from './image.ts';
import { pushImage } from './push.ts';
import { collect } from './quick-client.ts';

/**
 * A directory for registries that ask who one is: tag `1` of each of `repositories` is an image of `layer` in it, pushed
 * while nobody was asked.
 */
export async function storageWith(layer: TestLayer, repositories: readonly string[]): Promise<string> {
  const storage = await temporaryDirectory('storage');
  const open = await startDockerRegistry({ storage });
  try {
    for (const repository of repositories) await pushImage(open.host, repository, '1', { layers: [layer] });
  } finally {
    await open.close();
  }
  return storage;
}

/** Reads tags, manifest, config and layer of what {@link storageWith} stored. */
export async function assertReadable(
  client: RegistryClient,
  reference: ImageReference,
  stored: TestLayer,
): Promise<void> {
  assert.deepEqual((await client.listTags(reference)).tags, ['1']);
  const manifest = await client.fetchManifest(reference);
  assert.deepEqual((await client.fetchConfig(reference, manifest)).diffIds, [stored.diffId]);
  const [layer] = manifest.layers;
  assert(layer !== undefined);
  assert.deepEqual(await collect(await client.openBlob(reference, layer)), stored.bytes);
}
