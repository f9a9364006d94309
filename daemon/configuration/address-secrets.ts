/** How an address begins; of `https://` a path keeps one slash. */
const BEGIN = String.raw`\b(?:[a-z][a-z0-9+.-]*:\/\/|https?:\/)`;
/** User and password, also with a slash. */
const CREDENTIALS = new RegExp(String.raw`(${BEGIN})[^\n]*@`, 'gi');
const QUERY = new RegExp(String.raw`(${BEGIN}[^?#]*[?#]).+$`, 'gis');

/**
 * `text`, one value that somebody wrote, without what may be secret where it is an address, or was taken for a path. In
 * doubt too much goes: it is not for whole sentences.
 */
export function withoutAddressSecrets(text: string): string {
  return text.replace(CREDENTIALS, '$1***@').replace(QUERY, '$1***');
}
