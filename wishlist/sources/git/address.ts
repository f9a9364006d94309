import { isAbsolute } from 'node:path';

/** Where a git repository is. No secret is in it. */
export interface GitAddress {
  readonly protocol: 'https' | 'http' | 'ssh' | 'file';
  /** As git takes it. */
  readonly url: string;
  /** Host and path, for names: `git.example.org/group/wishlist`. */
  readonly label: string;
}

const NAME = String.raw`(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])`;
const HOST = String.raw`${NAME}(?::\d{1,5})?`;
const USER = String.raw`[A-Za-z0-9_][A-Za-z0-9._+-]*`;
const PATH = String.raw`/[^?#\s]+`;

/** The groups are host and path. */
const FORMS: readonly (readonly [protocol: GitAddress['protocol'], form: RegExp])[] = [
  ['https', new RegExp(`^https://(${HOST})(${PATH})$`)],
  ['http', new RegExp(`^http://(${HOST})(${PATH})$`)],
  ['ssh', new RegExp(`^ssh://(?:${USER}@)?(${HOST})(${PATH})$`)],
  ['file', new RegExp(`^file://()(${PATH})$`)],
  // As scp writes it; a port would be the beginning of a path.
  ['ssh', new RegExp(String.raw`^(?:${USER}@)?(${NAME}):(?!//)([^-:\s]\S*)$`)],
];

/**
 * Reads the address of a repository: `https://`, `http://`, `ssh://` or `file://`, `[USER@]HOST:PATH` for SSH, or an
 * absolute path. `undefined` for everything else, such as one that holds a password or names another program of git's.
 *
 * @see git-fetch(1), "GIT URLS"
 */
export function parseGitAddress(text: string): GitAddress | undefined {
  if (/\p{Cc}/u.test(text)) return undefined;
  if (isAbsolute(text)) return { protocol: 'file', url: text, label: labelOf(text) };
  for (const [protocol, form] of FORMS) {
    const [, host, path = ''] = form.exec(text) ?? [];
    if (host !== undefined)
      return { protocol, url: text, label: labelOf(`${host}${path.replace(/^(?!\/)/, '/')}`) };
  }
  return undefined;
}

function labelOf(place: string): string {
  return place.replace(/(?<!\/)\/+$/, '').replace(/\.git$/, '');
}
