const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;
const DIGEST_AND_REST = /@[A-Za-z0-9+._-]+:[0-9A-Fa-f]{32,}.*$/s;
const PORT_IS_NO_NUMBER = /^[^:[]*:.*[^0-9]/s;

/** Whether `text`, meant as an image reference, carries a user name or password in front of the registry. */
export function holdsCredentials(text: string): boolean {
  return endOfCredentials(text) !== undefined;
}

/** `text` for messages and reports: `***` for what may be a password, or a token in a query string. */
export function withoutSecrets(text: string): string {
  const end = endOfCredentials(text);
  const withoutCredentials =
    end === undefined ? text : `${text.slice(0, startOfAuthority(text))}***${text.slice(end)}`;
  return withoutCredentials.replace(/\?.+/s, '?***');
}

/**
 * The offset of the `@` that ends the user information of `text`. A password can itself hold `@`, `:` and, written
 * wrongly, `/`; in doubt it is a password.
 */
function endOfCredentials(text: string): number | undefined {
  const start = startOfAuthority(text);
  const body = text.slice(start).replace(DIGEST_AND_REST, '');
  const at = body.lastIndexOf('@');
  if (at === -1) return undefined;
  const before = body.slice(0, at);
  const [first = ''] = before.split('/', 1);
  const inFrontOfHost = first === before || body.includes('/', at) || PORT_IS_NO_NUMBER.test(first);
  return inFrontOfHost ? start + at : undefined;
}

function startOfAuthority(text: string): number {
  return SCHEME.exec(text)?.[0].length ?? 0;
}
