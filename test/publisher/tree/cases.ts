import { AUFS_LINKS, DELETIONS, NO_PART_OF_THE_IMAGE, OPAQUE } from './deletion-cases.ts';
import { HARD_LINKS, SYMBOLIC_LINKS } from './link-cases.ts';
import { ONE_LAYER, TYPES } from './member-cases.ts';
import type { MergeCase } from './merge-case.ts';

export const TABLES: readonly { readonly rule: string; readonly cases: readonly MergeCase[] }[] = [
  { rule: 'deletes', cases: DELETIONS },
  { rule: 'makes opaque', cases: OPAQUE },
  { rule: 'replaces', cases: TYPES },
  { rule: 'takes members in their order:', cases: ONE_LAYER },
  { rule: 'makes hard links', cases: HARD_LINKS },
  { rule: 'follows a symbolic link', cases: SYMBOLIC_LINKS },
  { rule: 'makes hard links of AUFS', cases: AUFS_LINKS },
  { rule: 'leaves out', cases: NO_PART_OF_THE_IMAGE },
];

export const ALL_CASES: readonly MergeCase[] = TABLES.flatMap(({ cases }) => cases);
