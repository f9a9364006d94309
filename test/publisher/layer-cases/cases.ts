import { COMPRESSION, ORDER } from './forms.ts';
import { ATTRIBUTES, KINDS_OF_HEADERS, NAMES, SPARSE } from './headers.ts';
import type { LayerCase } from './layer-case.ts';

/**
 * What layers can be, each case with the tree that it must become. What merging does with names alone is in the tables
 * of `test/publisher/tree`.
 */
export const LAYER_TABLES: readonly { readonly rule: string; readonly cases: readonly LayerCase[] }[] = [
  { rule: 'headers', cases: KINDS_OF_HEADERS },
  { rule: 'names', cases: NAMES },
  { rule: 'sparse files', cases: SPARSE },
  { rule: 'attributes', cases: ATTRIBUTES },
  { rule: 'compression', cases: COMPRESSION },
  { rule: 'order', cases: ORDER },
];
