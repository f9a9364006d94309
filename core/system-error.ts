/** The code of an error of the system, or of Node, such as `ENOENT`; `undefined`: it has none. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  const code = codeOf(error);
  return code !== undefined && codes.includes(code);
}

/** Returns true where a file system, or the user's quota of it, is full. */
export function isDiskFull(error: unknown): boolean {
  return hasCode(error, 'ENOSPC', 'EDQUOT');
}

/** Returns true for errors of system calls, unlike a wrong argument (`ERR_…`) that never reached one. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException & { readonly code: string } {
  return /^E[A-Z0-9]+$/.test(codeOf(error) ?? '');
}
