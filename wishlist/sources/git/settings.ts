import { isAbsolute } from 'node:path';

/** Recipes in a git repository. */
export interface GitSettings {
  readonly name: string;
  readonly address: GitAddress;
  /** `undefined` for the one that the repository itself names, whichever that is at the time. */
  readonly branch: string | undefined;
  /** Of recipes, relative to the repository's root, without `.` and `..`: at least one. */
  readonly paths: readonly string[];
  /** For HTTP. */
  readonly login: { readonly user: string; readonly password: string } | undefined;
  /** Path of a private key for SSH; `undefined` for those that the user has. */
  readonly key: string | undefined;
  /**
   * Path of a file with the keys of SSH servers. Without one a server is believed the first time, and must show the
   * same key ever after.
   */
  readonly knownHosts: string | undefined;
  /** Path of a PEM file with the authorities that HTTPS servers need, in place of the system's. */
  readonly authorities: string | undefined;
}

/** The address of a git repository. No secret is in it. */
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
