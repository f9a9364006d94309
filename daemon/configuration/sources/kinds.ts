import { fileKind } from './file.ts';
import { gitKind } from './git.ts';
import type { SourceEntry, SourceKind } from './kind.ts';
import { urlKind } from './url.ts';

/** The kinds of sources, in the order of messages. Tests add theirs. */
export const SOURCE_KINDS: SourceKind[] = [gitKind, fileKind, urlKind];

export function kindOfSource({ kind }: Pick<SourceEntry, 'kind'>): SourceKind {
  const found = SOURCE_KINDS.find(({ keys }) => keys[0] === kind);
  if (found === undefined) throw new Error(`no kind of source is called ${kind}`);
  return found;
}
