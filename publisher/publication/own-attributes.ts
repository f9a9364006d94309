import type { Attributes } from './entry.ts';

/** Attributes of what is not part of an image: it belongs to whoever publishes, and tells when. The mode is the caller's. */
export function publisherAttributes(): Attributes {
  const mtime = Math.floor(Date.now() / 1000);
  return { mode: 0, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mtime };
}
