/** The code of an error of the system, or of Node, such as `ENOENT`; `undefined`: it has none. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  const code = codeOf(error);
  return code !== undefined && codes.includes(code);
}

/** Whether a file system is full, or what the user may have of it. */
export function isDiskFull(error: unknown): boolean {
  return hasCode(error, 'ENOSPC', 'EDQUOT');
}

/** Whether the system refused something, unlike a wrong argument (`ERR_…`) that never reached it. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException & { readonly code: string } {
  return /^E[A-Z0-9]+$/.test(codeOf(error) ?? '');
}
