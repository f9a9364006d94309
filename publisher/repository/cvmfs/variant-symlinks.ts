import type { SymbolicLinkEntry } from '../../publication/entry.ts';

/**
 * The target to store, so that clients show what is meant: in the place of `$(NAME:-DEFAULT)` they show the value of a
 * variable of theirs, or else the default. No variable has an empty name: `$(:-$)` is always its default, a `$`.
 *
 * @see `SqlDirent::ExpandSymlink` in cvmfs/catalog_sql.cc
 */
export function storedTarget({ target, isVariant }: SymbolicLinkEntry): string {
  return isVariant === true ? target : target.replaceAll('$(', () => '$(:-$)(');
}
