import { isFailure } from '../../core/failure.ts';
import { parseSubdirectory } from '../../wishlist/recipe/subdirectory.ts';
import { parseGitAddress, type GitAddress } from '../../wishlist/sources/git/address.ts';
import { path } from './value-types.ts';
import type { ValueType } from './value-types.ts';

/** The address of a git repository; what cannot be one of a server is a path. */
export const gitAddress: ValueType<GitAddress> = {
  expected:
    'https://HOST/PATH, ssh://HOST/PATH, USER@HOST:PATH or a path; user name and password have keys of their own',
  parse: (text, place) => {
    const address = parseGitAddress(text);
    if (address !== undefined || /[:@]/.test(text)) return address;
    const file = path.parse(text, place);
    return file === undefined ? undefined : parseGitAddress(file);
  },
};

/** @see git-check-ref-format(1) */
export const branch: ValueType<string> = {
  expected: "a branch's name, such as main, without refs/heads/",
  parse: (text) => {
    const isName =
      /^[^\p{Cc} ~^:?*[\\]+$/u.test(text) &&
      !/^-|^refs\/|\.\.|@\{|\/\/|^\/|\/$|\.$|(?:^|\/)\.|\.lock(?:\/|$)/.test(text);
    return isName ? text : undefined;
  },
};

/** A path within a repository. */
export const recipePath: ValueType<string> = {
  expected: 'a path from the root of the repository, such as lists/recipe.yaml, without ..',
  parse: (text) => {
    const parts = text.split('/');
    const isPath = !/\p{Cc}/u.test(text) && !parts.some((part) => ['', '.', '..'].includes(part));
    return isPath ? text : undefined;
  },
};

/** A path that means itself in ssh's options. @see ssh_config(5), "TOKENS" */
export const sshPath: ValueType<string> = {
  expected: 'a path without " \\ $ and %',
  parse: (text, place) => {
    const file = path.parse(text, place);
    return file === undefined || /["\\$%\p{Cc}]/u.test(file) ? undefined : file;
  },
};

/** The address of a recipe on a web server. */
export const webAddress: ValueType<string> = {
  expected:
    'an address with https:// in front (http:// for plain HTTP), without user name and password in it',
  parse: (text) => {
    if (!/^https?:\/\/[^\s]+$/i.test(text) || !URL.canParse(text)) return undefined;
    const { username, password, hash, href } = new URL(text);
    return username === '' && password === '' && hash === '' ? href : undefined;
  },
};

export const sourceName: ValueType<string> = {
  expected: 'a name of up to 100 characters in one line',
  parse: (text) => (/^[^\p{C}\s](?:[^\p{C}]{0,98}[^\p{C}\s])?$/u.test(text) ? text : undefined),
};

/** As recipes have it. */
export const subdirectory: ValueType<string> = {
  expected: 'a path such as physics/simulation, whose first part is like no registry',
  parse: (text) => {
    try {
      return parseSubdirectory(text);
    } catch (error) {
      if (isFailure(error, 'setting-invalid')) return undefined;
      throw error;
    }
  },
};
