import type { Failure } from '../../core/failure.ts';
import { sumOf, NOTHING_NEEDED } from '../../core/system/free-space.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { inSlices } from '../../core/turns.ts';
import { fileDemand } from '../compose/survey.ts';
import { MissingDirectories, TreeChanges } from '../compose/tree-changes.ts';
import type { NamedImage } from '../image/image.ts';
import type { Collector, OutputChanges } from '../outputs/output.ts';
import { OUTPUTS } from '../outputs/outputs.ts';
import type { RepositoryView } from '../publication/view.ts';
import { unmarked } from '../published/marks.ts';
import type { OpenRepository, Publication } from '../publication/backend.ts';
import type { Attributes, Entry } from '../publication/entry.ts';

export interface NamesContext {
  readonly clientRoot: string;
  readonly attributes: Attributes;
}

/** What is published and what goes beside that which the outputs say. */
export interface OwnChanges {
  readonly added: readonly Entry[];
  /** @param outdated what goes of the outputs, which goes first */
  readonly gone: (outdated: readonly BytePath[]) => Promise<readonly BytePath[]>;
  /** Trees that lose their marks, by their names: images refer to them again. */
  readonly referredTo?: readonly string[];
}

export interface NamesComposition {
  readonly publication: Publication;
  readonly warnings: readonly string[];
  /** By public name, why an output cannot be changed for it. */
  readonly leftOut: ReadonlyMap<string, Failure>;
}

/** Collects the changes of public names in all outputs, where no tree changes, and composes the publication of them. */
export class NameChanges {
  readonly #view: RepositoryView;
  readonly #context: NamesContext;
  readonly #collectors: readonly { readonly collector: Collector; readonly recordFile: string | undefined }[];

  constructor(view: RepositoryView, context: NamesContext) {
    this.#view = view;
    this.#context = context;
    this.#collectors = OUTPUTS.flatMap((output) => {
      const collector = output.collect?.({ view, ...context, convertAgain: false });
      return collector === undefined ? [] : [{ collector, recordFile: output.recordFile }];
    });
  }

  /** @returns why the image must stay; `undefined`: its name goes */
  async withdraw(image: NamedImage): Promise<string | undefined> {
    const takes: (() => void)[] = [];
    for (const { collector } of this.#collectors) {
      const planned = await collector.withdraw?.(image);
      if (typeof planned === 'string') return planned;
      if (planned !== undefined) takes.push(planned);
    }
    for (const take of takes) take();
    return undefined;
  }

  /** @param files of the image's metadata, by name @returns false where something that it needs is gone */
  async restore(image: NamedImage, files: ReadonlyMap<string, Buffer>): Promise<boolean> {
    const takes: (() => void)[] = [];
    for (const { collector, recordFile } of this.#collectors) {
      if (collector.restore === undefined) continue;
      const planned = await collector.restore(image, files.get(recordFile ?? ''));
      if (planned === undefined) return false;
      takes.push(planned);
    }
    for (const take of takes) take();
    return true;
  }

  /** @throws Failure `repository-conflict` where an entry cannot be put in its place */
  async composition(
    { capabilities }: Pick<OpenRepository, 'capabilities'>,
    { added, gone, referredTo = [] }: OwnChanges,
  ): Promise<NamesComposition> {
    const view = this.#view;
    const { attributes } = this.#context;
    const options = { convertAgain: false, overwriteLayers: false, capabilities };
    const conflicts = new TreeChanges(view, new MissingDirectories(view, attributes), options);
    const refuse = async (entry: Pick<Entry, 'path' | 'type'>): Promise<void> =>
      await conflicts.refuseConflict(entry);
    const changes: OutputChanges[] = [];
    for (const { collector } of this.#collectors) changes.push(await collector.changes(refuse));
    const directories = new MissingDirectories(view, attributes);
    const folders: Entry[] = [];
    for (const path of changes.flatMap((one) => one.folders))
      for (const folder of await directories.above(`${path}/`)) folders.push(folder);
    const named = changes.flatMap((one) => [...(one.referredTo ?? [])]);
    const marks = await unmarked(view, [...referredTo, ...named], attributes);
    const entries = [...(marks ? [marks] : []), ...changes.flatMap(({ metadata }) => metadata), ...added];
    for (const entry of entries) await refuse(entry);
    const names = await directories.complete([...entries, ...changes.flatMap((one) => one.names)]);
    const trees = changes.map((one) => fileDemand([...one.trees()]));
    const demand = [...trees, fileDemand(names)].reduce(sumOf, NOTHING_NEEDED);
    const leftOut = new Map<string, Failure>();
    for (const one of changes) for (const [name, failure] of one.leftOut) leftOut.set(name, failure);
    const outdated = await gone(changes.flatMap((one) => one.outdated));
    return {
      publication: {
        deletions: [],
        outdated,
        async *trees() {
          yield folders;
          for (const one of changes) yield* inSlices(one.trees());
        },
        names,
        xattrs: undefined,
        contentBytes: demand.bytes,
        inodes: demand.inodes,
      },
      warnings: changes.flatMap((one) => one.warnings),
      leftOut,
    };
  }
}
