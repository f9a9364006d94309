import type { BytePath } from '../../core/system/byte-path.ts';
import type { ReadyImage } from '../image/image.ts';
import type { Collector, Output, OutputChanges } from '../outputs/output.ts';
import { enabledOutputs, OUTPUTS } from '../outputs/outputs.ts';
import type { PublishingContext } from '../pipeline/context.ts';
import { publisherAttributes, type Entry } from '../publication/entry.ts';
import type { StackedLayer } from '../tree/image-trees.ts';
import { compareEntry } from './compare-entry.ts';
import { Findings, type FindingKind } from './finding.ts';

/** An image whose parts are compared later, with those of others. */
interface Waiting {
  readonly name: string;
  readonly collector: Collector;
}

/** Compares what images have beside trees with what outputs would collect of them now, written again. */
export class CollectedParts {
  readonly #context: PublishingContext;
  readonly #together: ReadonlyMap<Output, Collector>;
  readonly #waiting = new Map<Output, Waiting[]>();

  constructor(context: PublishingContext) {
    this.#context = context;
    this.#together = new Map(
      OUTPUTS.filter(({ isOfAll }) => isOfAll === true).flatMap((output) => {
        const collector = this.#collectorOf(output);
        return collector === undefined ? [] : [[output, collector]];
      }),
    );
  }

  /** Compares what is the image's own now, and the rest in {@link compare}. */
  async add(
    {
      name,
      findings,
      unknown,
    }: { readonly name: string; readonly findings: Findings; readonly unknown: string[] },
    image: ReadyImage,
    stack: readonly StackedLayer[],
  ): Promise<void> {
    for (const output of enabledOutputs(image.outputs)) {
      const collector = this.#collectorOf(output);
      if (collector === undefined) continue;
      (await collector.plan(image, stack)).take();
      const together = this.#together.get(output);
      if (together === undefined) {
        const changes = await collector.changes(async () => await Promise.resolve());
        await this.#compare(output, changes, findings);
        for (const reason of changes.leftOut.values()) unknown.push(`${output.name}: ${reason.message}`);
        continue;
      }
      (await together.plan(image, stack)).take();
      this.#waiting.set(output, [...(this.#waiting.get(output) ?? []), { name, collector }]);
    }
  }

  /** By image, findings of what belongs to several. */
  async compare(): Promise<Map<string, Findings>> {
    const found = new Map<string, Findings>();
    for (const [output, waiting] of this.#waiting) {
      const all = new Findings();
      const collector = this.#together.get(output);
      if (collector === undefined) continue;
      await this.#compare(output, await collector.changes(async () => await Promise.resolve()), all);
      if (!all.isAny) continue;
      // Something is wrong with some of them: now it is worth the time to find out with which.
      for (const { name, collector: own } of waiting) {
        const findings = found.get(name) ?? new Findings();
        await this.#compare(output, await own.changes(async () => await Promise.resolve()), findings);
        if (findings.isAny) found.set(name, findings);
      }
    }
    return found;
  }

  #collectorOf(output: Output): Collector | undefined {
    const { view, options } = this.#context;
    const { clientRoot } = options;
    return output.collect?.({ view, clientRoot, attributes: publisherAttributes(), convertAgain: true });
  }

  async #compare({ name }: Output, changes: OutputChanges, findings: Findings): Promise<void> {
    const { view } = this.#context;
    const compare = async (entry: Entry) => await compareEntry(entry, kindIn(name), { view, findings });
    for (const entry of changes.metadata) await compare(entry);
    for (const entry of changes.trees()) await compare(entry);
    for (const entry of changes.names) await compare(entry);
    for (const path of changes.outdated) await this.#expectNothing(path, kindIn(name), findings);
  }

  async #expectNothing(path: BytePath, kind: FindingKind, findings: Findings): Promise<void> {
    const found = await this.#context.view.kindOf(path);
    if (found !== undefined) findings.add({ kind, path, expected: 'nothing', found });
  }
}

function kindIn(name: Output['name']): FindingKind {
  return name === 'podman' ? 'podman' : 'metadata';
}
