import { existsSync, lstatSync, readdirSync } from 'node:fs';

import { Died, hasCode, say } from './died.ts';
import { repositoryPaths } from './layout.ts';
import type { Layout, RepositoryPaths } from './layout.ts';
import {
  isInTransaction,
  isOpenForWriting,
  isPublishing,
  publishedTree,
  readManifest,
  repositoryExists,
} from './repository.ts';

/** `list` */
export function list(layout: Layout): void {
  for (const name of readdirSync(layout.config).toSorted()) {
    const paths = repositoryPaths(layout, name);
    const transaction = isInTransaction(paths) ? ' - in transaction' : '';
    const health = isInTransaction(paths) && !isOpenForWriting(paths) ? ' - unhealthy' : '';
    say(`${name} (stratum0 / local${transaction}${health})  `);
  }
}

/** `check REPOSITORY` */
export function check(layout: Layout, words: readonly string[]): void {
  const paths = existing(layout, words.at(-1));
  say(`Verifying integrity of ${paths.name}...`);
  const problems = problemsOf(paths);
  if (problems.length > 0) {
    throw new Died([...problems, 'CATALOG PROBLEMS OR OTHER ERRORS FOUND'].join('\n'));
  }
  say('no problems found');
}

/** What a check finds in the catalogs. */
export function problemsOf(paths: RepositoryPaths): string[] {
  const { nested, dangling, chunked } = readManifest(paths);
  const problems = nested
    .filter((path) => !existsSync(Buffer.from(`${latin1Tree(paths)}/${path}/.cvmfscatalog`, 'latin1')))
    .map((path) => `nested catalog without marker at /${path}`);
  if (dangling.length > 0) problems.push(`dangling entries in catalog: ${dangling.join(', ')}`);
  for (const path of abandonedMarkers(latin1Tree(paths), new Set(nested)))
    problems.push(`found abandoned nested catalog marker at /${path}`);
  for (const path of chunked.empty) {
    const { size } = lstatSync(Buffer.from(`${latin1Tree(paths)}/${path}`, 'latin1'));
    problems.push(
      `no file chunks found for big file /${path}`,
      `chunks of file /${path} produce a size mismatch. Calculated 0 bytes | ${size} bytes expected`,
    );
  }
  return problems;
}

/** `tag [-l] [-x] REPOSITORY`: the revisions that are kept. */
export function tag(layout: Layout, words: readonly string[]): void {
  const paths = existing(layout, words.at(-1));
  if (isPublishing(paths)) throw new Died('Repository is currently publishing');
  const { publishedAt } = readManifest(paths);
  const rows = Object.entries(publishedAt)
    .toSorted(([one], [other]) => Number(other) - Number(one))
    .map(([revision, seconds], age) => ({
      name: age === 0 ? 'trunk' : 'trunk-previous',
      revision,
      seconds,
      description: age === 0 ? 'current HEAD' : 'default undo target',
    }));
  if (words.includes('-x')) {
    for (const { name, revision, seconds, description } of rows) {
      say(`${name} ${revision.padStart(40, '0')} 0 ${revision} ${seconds} (default) ${description}`);
    }
    return;
  }
  say(row(['Name', 'Revision', 'Timestamp', 'Branch', 'Description']));
  for (const { name, revision, seconds, description } of rows.toReversed()) {
    say(
      row([name, revision.padStart(8), new Date(seconds * 1000).toUTCString().slice(5, 25), '', description]),
    );
  }
  say(`listing contains ${rows.length} tags`);
}

/** `list-catalogs [-e] [-x] REPOSITORY`: with `-e`, how many entries each holds, its root directory included. */
export function listCatalogs(layout: Layout, words: readonly string[]): void {
  const paths = existing(layout, words.at(-1));
  const roots = ['', ...readManifest(paths).nested];
  const counts = countEntries(latin1Tree(paths), new Set(roots));
  for (const root of roots) {
    const depth = roots.filter((other) => other !== '' && root.startsWith(`${other}/`)).length;
    const indent = words.includes('-x') || root === '' ? '' : `${'│  '.repeat(depth)}├─ `;
    const entries = words.includes('-e') ? `${counts.get(root) ?? 0} ` : '';
    say(`${indent}${entries}/${Buffer.from(root, 'latin1').toString()}`);
  }
}

function existing(layout: Layout, word: string | undefined): RepositoryPaths {
  const paths = repositoryPaths(layout, word ?? '');
  if (!repositoryExists(paths)) throw new Died(`The repository ${paths.name} does not exist`);
  return paths;
}

function row(cells: readonly string[]): string {
  const widths = [14, 8, 20, 6, 0];
  return cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' │ ');
}

function latin1Tree(paths: RepositoryPaths): string {
  return Buffer.from(publishedTree(paths)).toString('latin1');
}

/** The root directory of a nested catalog is an entry of both catalogs. */
function countEntries(tree: string, roots: ReadonlySet<string>): Map<string, number> {
  const counts = new Map([...roots].map((root) => [root, 1]));
  visit('', '');
  return counts;

  function visit(folder: string, catalog: string): void {
    for (const name of namesIn(`${tree}/${folder}`)) {
      const path = folder === '' ? name : `${folder}/${name}`;
      counts.set(catalog, (counts.get(catalog) ?? 0) + 1);
      if (!lstatSync(Buffer.from(`${tree}/${path}`, 'latin1')).isDirectory()) continue;
      visit(path, roots.has(path) ? path : catalog);
    }
  }
}

/** Below the root, which is the root of a catalog in any case. */
function abandonedMarkers(tree: string, roots: ReadonlySet<string>, folder = ''): string[] {
  return namesIn(`${tree}/${folder}`).flatMap((name) => {
    const path = folder === '' ? name : `${folder}/${name}`;
    if (name === '.cvmfscatalog') return folder === '' || roots.has(folder) ? [] : [path];
    const isFolder = lstatSync(Buffer.from(`${tree}/${path}`, 'latin1')).isDirectory();
    return isFolder ? abandonedMarkers(tree, roots, path) : [];
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(Buffer.from(folder, 'latin1'), { encoding: 'latin1' });
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
