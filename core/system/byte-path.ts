/**
 * Names of files are bytes, not text: a {@link BytePath} holds one byte in each character (Latin-1). Only `pathBuffer` turns
 * it into what the operating system takes.
 */

/** Path relative to the repository's root, no leading slash, no `.` or `..`; one character a byte (Latin-1). */
export type BytePath = string;

/** The bytes of a path (or of a link's target), as system calls take them. */
export function pathBuffer(path: BytePath): Buffer {
  return Buffer.from(path, 'latin1');
}

/** Joins `path` to a folder of this machine. */
export function pathBelow(folder: string, path: BytePath): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), pathBuffer(path)]);
}

/** The path as people read it: UTF-8 where it is that, control characters escaped. */
export function displayPath(path: BytePath): string {
  return JSON.stringify(pathBuffer(path).toString('utf8')).slice(1, -1);
}

/** The path of `name` in `folder`; the root is `''`. */
export function joinPath(folder: BytePath, name: BytePath): BytePath {
  return folder === '' ? name : `${folder}/${name}`;
}
