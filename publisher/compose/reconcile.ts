import type { Entry } from '../publication/entry.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import type { RepositoryCapabilities } from '../publication/capabilities.ts';
import type { Kind, RepositoryView } from '../publication/view.ts';
import { CATALOG_MARKER } from '../tree/catalogs.ts';
import type { AnyNode, ForeignLinkNode } from '../tree/node.ts';
import { nodeAt } from '../tree/resolve.ts';
import { isLeftOut } from './losses.ts';
import { conflict } from './parents.ts';
import type { UnitTree } from '../outputs/unit.ts';

/**
 * What must go before `unit` is written over what is published at its place: everything that it does not have. The
 * rest is replaced entry by entry.
 *
 * @throws Failure `repository-conflict` where a directory stands for something else, or the reverse: replacing it in
 *   one step would damage the repository's catalogs
 */
export async function leftovers(
  view: RepositoryView,
  unit: UnitTree,
  capabilities: RepositoryCapabilities,
): Promise<BytePath[]> {
  const gone: BytePath[] = [];
  for await (const { path, kind } of view.walk(unit.root)) {
    const above = gone.at(-1);
    if (above !== undefined && path.startsWith(`${above}/`)) continue;
    const wanted = nodeAt<AnyNode>(unit.tree, path.slice(unit.root.length + 1));
    if (wanted === undefined || wanted.type === 'foreign-link' || isLeftOut(wanted, capabilities)) {
      if (!path.endsWith(`/${CATALOG_MARKER}`)) gone.push(path);
    } else if (!isReplaceable(kind, wanted.type)) {
      throw conflict(path, kind);
    }
  }
  return gone;
}

/** @throws Failure `repository-conflict` where something else than the entry stands at its path, as above */
export async function refuseConflict(
  view: RepositoryView,
  { path, type }: Pick<Entry, 'path' | 'type'>,
): Promise<void> {
  const kind = await view.kindOf(path);
  if (kind !== undefined && !isReplaceable(kind, type)) throw conflict(path, kind);
}

function isReplaceable(
  published: Kind,
  wanted: Exclude<AnyNode, ForeignLinkNode>['type'] | Entry['type'],
): boolean {
  switch (wanted) {
    case 'directory':
      return published === 'directory';
    case 'file':
    case 'link':
    case 'symlink':
      return published === 'file' || published === 'symlink';
    case 'whiteout':
    case 'character-device':
    case 'block-device':
    case 'fifo':
      return published === 'other';
  }
}
