import assert from 'node:assert/strict';
import type { ImageReference } from '../../../core/oci/reference.ts';
import { formatReference, parseReference } from '../../../core/oci/reference.ts';
import { displayPath } from '../../../core/system/byte-path.ts';
import type { ImageFindings } from '../../../publisher/verification/finding.ts';
import { repairImages } from '../../../publisher/verification/repair.ts';
import { verifyImages, type VerificationOptions } from '../../../publisher/verification/verify.ts';
import { TestRegistry } from '../../support/e2e/registry.ts';
import { image } from '../../support/images/image.ts';
import {
  directory,
  fifo,
  file,
  hardLink,
  opaque,
  symlink,
  whiteout,
  type LayerEntry,
} from '../../support/images/layer-entry.ts';
import { layer, type Layer } from '../../support/images/layer.ts';
import { ManifestFiles } from '../../../publisher/registry/manifest/manifest-cache.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { PublishingBench, type BenchPlace } from '../../support/registry/publishing-bench.ts';

/** Of the kinds of things that layers have. */
export const BASE: readonly LayerEntry[] = [
  directory('bin', { mode: 0o755, mtime: 1_600_000_000 }),
  file('bin/tool', 'a tool', { mode: 0o755, uid: 0, gid: 0 }),
  hardLink('bin/other', 'bin/tool'),
  file('bin/su', 'set-uid', { mode: 0o4755 }),
  directory('data', { mode: 0o2775, uid: 1000, gid: 1000 }),
  file('data/gone', 'deleted later'),
  file('data/old', 'x'.repeat(10_000), { mtime: -1.5 }),
  file('data/labeled', 'labeled', { xattrs: { 'user.label': 'one' } }),
  directory('data/hidden'),
  file('data/hidden/below', 'below'),
  symlink('data/link', '../bin/tool'),
  symlink('broken', '/no/$(SUCH)/place'),
  fifo('data/pipe'),
  file('data/caf\xe9', 'Latin'),
];
export const TOP: readonly LayerEntry[] = [
  whiteout('data/gone'),
  directory('data/hidden'),
  opaque('data/hidden'),
  file('data/hidden/above', 'above'),
  directory('etc'),
  file('etc/hosts', '127.0.0.1 localhost'),
];

/** A registry, and a repository with images from it. */
export class Scene {
  readonly registry: TestRegistry;
  readonly bench: PublishingBench;
  readonly #references = new Map<string, ImageReference>();

  private constructor(registry: TestRegistry, bench: PublishingBench) {
    this.registry = registry;
    this.bench = bench;
  }

  static async make(place?: BenchPlace): Promise<Scene> {
    const manifestCache = new ManifestFiles(await temporaryDirectory('manifests'));
    return new Scene(
      await TestRegistry.start(),
      await PublishingBench.make({ client: { manifestCache }, ...(place && { place }) }),
    );
  }

  /** Publishes an image. @returns its public name */
  async publish(repository: string, layers: readonly Layer[], tag = '1'): Promise<string> {
    const reference = parseReference(this.registry.add(repository, tag, image({ layers })));
    await this.bench.publish([reference]);
    const name = formatReference(reference);
    assert.deepEqual(
      this.bench.ended.splice(0),
      [`${name} published`],
      [...this.bench.messages.values()].join(),
    );
    this.#references.set(name, reference);
    return name;
  }

  /** Lets the tag lead to another image. */
  moveTag(repository: string, layers: readonly Layer[], tag = '1'): void {
    this.registry.add(repository, tag, image({ layers }));
  }

  readonly referenceOf = (name: string): ImageReference | undefined => this.#references.get(name);

  async verify(names: readonly string[], options: VerificationOptions = {}): Promise<ImageFindings[]> {
    const all: ImageFindings[] = [];
    const given = { referenceOf: this.referenceOf, ...options };
    for await (const found of verifyImages(this.bench.publisher, names, given)) all.push(found);
    return all;
  }

  /** @returns by name, the code of what a repair failed for */
  async repair(broken: readonly ImageFindings[]): Promise<Record<string, string>> {
    const { referenceOf } = this;
    const failed = await repairImages(this.bench.publisher, broken, { referenceOf });
    return Object.fromEntries([...failed].map(([name, { code }]) => [name, code]));
  }

  async close(): Promise<void> {
    await this.bench.close();
    await this.registry.close();
  }
}

/** `kind path`, each once, with what is unknown. */
export function linesOf({ findings, unknown }: ImageFindings): string[] {
  return [
    ...new Set(findings.map(({ kind, path }) => `${kind} ${displayPath(path)}`)),
    ...unknown.map((reason) => `unknown ${reason}`),
  ];
}

export async function layersOf(...all: readonly (readonly LayerEntry[])[]): Promise<Layer[]> {
  const layers: Layer[] = [];
  for (const entries of all) layers.push(await layer(entries));
  return layers;
}
