import { recordPath } from '../image/layout.ts';
import { isOfNow, isRecorded } from '../published/published.ts';
import type { Entry } from '../publication/entry.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { RepositoryCapabilities } from '../publication/capabilities.ts';
import type { RepositoryView } from '../publication/view.ts';
import type { Parents } from './parents.ts';
import { leftovers, refuseConflict } from './reconcile.ts';
import { unitName, type UnitTree } from '../outputs/unit.ts';

export interface ChangeOptions {
  /** Make flat trees and chains again that are published. */
  readonly convertAgain: boolean;
  /** Write layers again that are published. */
  readonly overwriteLayers: boolean;
  readonly capabilities: RepositoryCapabilities;
}

/** What becomes of the trees of an image. */
export interface Changes {
  /** Those that are new. */
  readonly fresh: UnitTree[];
  /** What must go for them. */
  readonly deletions: BytePath[];
  /** Records of those that stay, and are as they would be made now. */
  readonly renewed: BytePath[];
}

/** Finds out which trees a repository lacks, and what stands in their way. */
export class UnitChanges {
  readonly #view: RepositoryView;
  readonly #parents: Parents;
  readonly #options: ChangeOptions;

  constructor(view: RepositoryView, parents: Parents, options: ChangeOptions) {
    this.#view = view;
    this.#parents = parents;
    this.#options = options;
  }

  /**
   * @param isBrought whether the publication brings the tree of this name already
   * @throws Failure `repository-conflict`
   */
  async of(units: readonly UnitTree[], isBrought: (name: string) => boolean): Promise<Changes> {
    const fresh = new Map<string, UnitTree>();
    const deletions: BytePath[] = [];
    const renewed: BytePath[] = [];
    for (const unit of units) {
      const name = unitName(unit);
      if (isBrought(name) || fresh.has(name)) continue;
      if (await this.#stays(unit)) {
        if (await this.#isRenewed(unit)) renewed.push(recordPath(unit.unit, unit.hex));
        continue;
      }
      await this.#refuseConflicts(unit);
      for (const path of await leftovers(this.#view, unit, this.#options.capabilities)) deletions.push(path);
      fresh.set(name, unit);
    }
    return { fresh: [...fresh.values()], deletions, renewed };
  }

  /** Also where something above it is no folder. @throws Failure `repository-conflict` */
  async refuseConflict(entry: Pick<Entry, 'path' | 'type'>): Promise<void> {
    await this.#parents.missingAbove(entry.path);
    await refuseConflict(this.#view, entry);
  }

  async #stays(unit: UnitTree): Promise<boolean> {
    const again = unit.unit === 'layers' ? this.#options.overwriteLayers : this.#options.convertAgain;
    return !again && (await isRecorded(this.#view, unit));
  }

  /** Whether the layer stays with a record that says less of it than what is known now. */
  async #isRenewed({ unit, hex }: UnitTree): Promise<boolean> {
    return unit === 'layers' && !(await isOfNow(this.#view, `sha256:${hex}`));
  }

  /** Beside the tree itself, which is looked through for what must go. */
  async #refuseConflicts({ unit, hex, path, root, beside }: UnitTree): Promise<void> {
    await this.refuseConflict({ path: recordPath(unit, hex), type: 'file' });
    for (const folder of new Set([path, root]))
      await this.refuseConflict({ path: folder, type: 'directory' });
    for (const entry of beside) await this.refuseConflict(entry);
  }
}
