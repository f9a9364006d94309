import type { Failure } from '../../wishlist/failure.ts';

/** What to say of a source that fails while its last good content counts. */
export function staleText({ code, message, hint }: Failure, failingSince: string | undefined): string {
  const said = [message, hint].filter((part) => part !== undefined).join('; ');
  return `${said} [${code}]; it fails since ${failingSince}, and what it said before counts`;
}
