/** What an address may hold of a user and a password, also with a slash; of `https://` a path keeps one. */
const CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/{1,2})[^\n]*@/gi;
const QUERY = /\b([a-z][a-z0-9+.-]*:\/{1,2}[^?#]*[?#]).+$/gis;

/**
 * `text`, one value that somebody wrote, without what may be secret where it is an address, or was taken for a path. In
 * doubt too much goes: it is not for whole sentences.
 */
export function withoutAddressSecrets(text: string): string {
  return text.replace(CREDENTIALS, '$1***@').replace(QUERY, '$1***');
}
