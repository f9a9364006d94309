import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder, seen from this compiled file. */
export const PROJECT = join(dirname(fileURLToPath(import.meta.url)), '../../..');

/** The text of a file of the project. */
export function textOf(path: string): string {
  return readFileSync(join(PROJECT, path), 'utf8');
}

/** All source files of the product, relative to its folder. */
export function productFiles(): string[] {
  return ['core', 'wishlist', 'publisher', 'daemon'].flatMap((part) =>
    readdirSync(join(PROJECT, part), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${part}/${name}`),
  );
}

/** All documents for people, by their paths. */
export function documents(): string[] {
  const inDocs = readdirSync(join(PROJECT, 'docs')).filter((name) => name.endsWith('.md'));
  return [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    ...inDocs.map((name) => `docs/${name}`),
  ];
}

/** The cells of each line of a Markdown table in `text` whose first cell is code, with that cell's code as the key. */
export function tableRows(text: string): { readonly key: string; readonly cells: readonly string[] }[] {
  return text.split('\n').flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    const key = /^`([^`]+)`$/.exec(cells[1] ?? '')?.[1];
    return key === undefined ? [] : [{ key, cells: cells.slice(1, -1) }];
  });
}

/** The content of the fenced code blocks of `language` in `text`, in their order. */
export function codeBlocks(text: string, language: string): string[] {
  const fenced = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms');
  return [...text.matchAll(fenced)].map((match) => match[1] ?? '');
}

/** What stands between two headings of the second level: the section `title`. */
export function section(text: string, title: string): string {
  const [, found] = text.split(`\n## ${title}\n`);
  if (found === undefined) throw new Error(`there is no section ${title}`);
  return found.split('\n## ')[0] ?? '';
}
