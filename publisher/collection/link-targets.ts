import { posix } from 'node:path';
import { OUTPUT_FORMS, outputNames, type OutputName } from '../../core/outputs.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { treesNamedIn } from '../outputs/named-trees.ts';
import type { TreeName } from '../outputs/output.ts';

/** What a symbolic link may lead to. */
export interface LinkTarget {
  /** Trees that it names. */
  readonly trees: readonly TreeName[];
  /** Outputs of which it may lead to any tree. */
  readonly whole: readonly OutputName[];
  /** Its target, where that is a path within the repository. */
  readonly path: BytePath | undefined;
}

/**
 * Where the link at `path` leads to, by its text alone: nothing is followed. Every text that names a tree counts, however it
 * gets there: links through other links, from elsewhere or with variables lead to it for somebody.
 *
 * @param clientRoot the repository's root as clients see it
 */
export function linkTarget(path: BytePath, text: string, clientRoot: string): LinkTarget {
  const within = resolved(path, text, clientRoot);
  const trees = [posix.normalize(text), ...(within === undefined ? [] : [within])].flatMap(treesNamedIn);
  return { trees, whole: within === undefined ? [] : wholeOutputs(within), path: within };
}

/** As far as it is certain: up to a variable, which clients replace. */
function resolved(path: BytePath, text: string, clientRoot: string): BytePath | undefined {
  const variable = text.indexOf('$(');
  const certain = variable === -1 ? text : text.slice(0, text.lastIndexOf('/', variable) + 1);
  const target = posix.relative(clientRoot, posix.resolve(clientRoot, posix.dirname(path), certain));
  return target === '..' || target.startsWith('../') ? undefined : target;
}

/** A link to the folder of all trees, or of some. */
function wholeOutputs(target: BytePath): OutputName[] {
  const [folder = '', prefix, ...rest] = target.split('/');
  if (rest.length > 0 || (prefix !== undefined && !/^[0-9a-f]{2}$/.test(prefix))) return [];
  return outputNames().filter((name) => OUTPUT_FORMS[name].folder === folder);
}
