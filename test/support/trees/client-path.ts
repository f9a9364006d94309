import { posix } from 'node:path';

const MOST_LINKS = 40;

/**
 * Where `path` leads a client of CernVM-FS that has `variables`: in the target of a symbolic link, `$(NAME)` stands for the
 * value of a variable, and `$(NAME:-text)` for `text` where that is not set.
 *
 * @param targetOf the target of the symbolic link at a path below the root; `undefined` where there is none
 * @returns the path below the root, no part of which is a link
 * @see CernVM-FS documentation, "Variant Symlinks"; cvmfs/cvmfs, cvmfs/catalog_sql.cc, `ExpandSymlink`
 */
export async function clientPath(
  path: string,
  variables: Readonly<Record<string, string>>,
  targetOf: (path: string) => Promise<string | undefined>,
): Promise<string> {
  let links = 0;
  const left = path.split('/');
  let at = '';
  for (let part = left.shift(); part !== undefined; part = left.shift()) {
    const next = posix.join(at, part);
    const target = await targetOf(next);
    if (target === undefined) {
      at = next;
      continue;
    }
    if (++links > MOST_LINKS) throw new Error(`too many links at ${path}`);
    left.unshift(...expanded(target, variables).split('/'));
  }
  return at;
}

function expanded(target: string, variables: Readonly<Record<string, string>>): string {
  return target.replaceAll(
    /\$\(([^):]*)(?::-([^)]*))?\)/g,
    (_, name: string, text = '') => variables[name] ?? text,
  );
}
