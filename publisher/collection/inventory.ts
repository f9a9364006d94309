import { outputNames, OUTPUT_FORMS, OWN_FOLDERS } from '../../core/outputs.ts';
import { displayPath, type BytePath, joinPath } from '../../core/system/byte-path.ts';
import type { Child, Kind, RepositoryView } from '../publication/view.ts';
import type { Output, TreeName } from '../outputs/output.ts';
import { CATALOG_MARKER } from '../tree/catalogs.ts';
import type { Finding } from './report.ts';
import { walkFolders } from '../publication/walk.ts';

/** All trees of a repository, and their records. */
export class Inventory {
  /** Trees that have a record of unpackd's. */
  readonly recorded: TreeName[] = [];
  /** Trees that have none. */
  readonly unrecorded: TreeName[] = [];
  /** Trees that have nothing but a record. */
  readonly orphans: TreeName[] = [];
  /** What has no business where it is. */
  readonly foreign: Finding[] = [];
  /** Counts the entries of each folder that holds trees or records: with the last of them, it goes. */
  readonly entries = new Map<BytePath, number>();

  static async of(view: RepositoryView, outputs: readonly Output[]): Promise<Inventory> {
    const found = new Inventory();
    for (const output of outputs) if (output.references !== undefined) await found.#read(view, output);
    await found.#readRecords(view);
    return found;
  }

  async #read(view: RepositoryView, { name: kind, hasLinks = false }: Output): Promise<void> {
    const { folder } = OUTPUT_FORMS[kind];
    if (await this.#isElsewhere(view, folder)) return;
    const trees = await this.#named(view, folder, { wanted: 'directory', hasLinks });
    const records = await this.#named(view, `${OWN_FOLDERS.records}/${kind}`, {
      wanted: 'file',
      hasLinks: false,
    });
    for (const hex of trees) (records.has(hex) ? this.recorded : this.unrecorded).push({ kind, hex });
    for (const hex of records) if (!trees.has(hex)) this.orphans.push({ kind, hex });
  }

  /** What is named by a digest in `top`, below the first two of its digits. */
  async #named(
    view: RepositoryView,
    top: BytePath,
    { wanted, hasLinks }: { readonly wanted: Kind; readonly hasLinks: boolean },
  ): Promise<Set<string>> {
    const found = new Set<string>();
    if ((await view.kindOf(top)) === undefined || (await this.#isElsewhere(view, top))) return found;
    await walkFolders(view, top, async (folder, children) => {
      if (folder !== top) this.entries.set(folder, children.filter(isNoMarker).length);
      const fits = ({ name, kind: own }: Child): boolean =>
        folder === top
          ? own === 'directory' && /^[0-9a-f]{2}$/.test(name)
          : own === wanted && /^[0-9a-f]{64}$/.test(name) && folder.endsWith(`/${name.slice(0, 2)}`);
      const [own, others] = [
        children.filter(fits),
        children.filter((child) => isNoMarker(child) && !fits(child)),
      ];
      if (folder !== top || !hasLinks)
        for (const child of others) this.#reportForeign(joinPath(folder, child.name), child.kind);
      if (folder === top) return own;
      for (const { name } of own) found.add(name);
      return [];
    });
    return found;
  }

  /** Reports whether something else is in the place of a folder: nothing is looked for through it. */
  async #isElsewhere(view: RepositoryView, folder: BytePath): Promise<boolean> {
    const kind = await view.kindOf(folder);
    if (kind === undefined || kind === 'directory') return false;
    this.#reportForeign(folder, kind);
    return true;
  }

  /** Whatever else there is: of a later version, or of an output that this program does not have. */
  async #readRecords(view: RepositoryView): Promise<void> {
    const known = new Set<string>([...outputNames(), ...KNOWN_RECORDS]);
    for (const { name, kind } of await view.list(OWN_FOLDERS.records))
      if (!known.has(name)) this.#reportForeign(joinPath(OWN_FOLDERS.records, name), kind);
  }

  #reportForeign(path: BytePath, kind: Kind): void {
    this.foreign.push({
      path: displayPath(path),
      why: `unpackd puts no such ${kind === 'other' ? 'thing' : kind} there`,
    });
  }
}

/** In the folder of records, beside those of trees. */
const KNOWN_RECORDS = [
  'publications',
  'latest',
  'unfinished',
  'unreferenced.json',
  'removed',
  CATALOG_MARKER,
];

function isNoMarker({ name, kind }: Child): boolean {
  return name !== CATALOG_MARKER || kind !== 'file';
}
