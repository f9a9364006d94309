import type { Failure, FailureCode } from '../../core/failure.ts';
import { quoted, counted } from '../../core/text.ts';
import { matchesRegistry } from '../../core/oci/registry-pattern.ts';
import type { Wish } from '../recipe/wish.ts';
import type { FindingCode, Remark, Severity } from './finding.ts';
import { inVersionOrder, someTags } from './tag-order.ts';

/** What registries, networks and this machine's set-up do: no author of a line can help it. */
const NOT_THE_AUTHORS: ReadonlySet<FailureCode> = new Set([
  'registry-unreachable',
  'registry-timeout',
  'dns-failed',
  'tls-failed',
  'registry-error',
  'rate-limited',
  'credentials-unavailable',
]);

/** What is said of a wish as a whole. */
export function remarkOn(
  { line, text }: Wish,
  severity: Severity,
  what: { readonly code: FindingCode; readonly message: string; readonly hint?: string | undefined },
): Remark {
  const { code, message, hint } = what;
  return { severity, code, line, column: undefined, text, message, hint };
}

/** How bad it is for a wish that a registry answered with `code`. */
export function severityOf({ code }: Failure): Severity {
  return NOT_THE_AUTHORS.has(code) ? 'warning' : 'error';
}

/** What is said of a pattern with `tags`, at least one, of which `limit` are allowed. */
export function judgePattern(wish: Wish, tags: readonly string[], limit: number): Remark {
  const ordered = inVersionOrder(tags);
  const count = counted(tags.length, 'tag');
  if (tags.length <= limit) {
    const message = `${quoted(wish.text)} means ${count} today: ${someTags(ordered)}`;
    return remarkOn(wish, 'note', { code: 'pattern-means', message });
  }
  return remarkOn(wish, 'error', {
    code: 'pattern-too-wide',
    message: `${quoted(wish.text)} means ${count} today, and the limit is ${limit}: ${someTags(ordered)}`,
    hint: 'narrow the pattern, or ask whoever keeps the wishlist to allow more',
  });
}

export function judgeSize(
  wish: Wish,
  { image, compressedBytes }: { readonly image: string; readonly compressedBytes: number },
  limit: { readonly bytes: number; readonly format: (bytes: number) => string },
): Remark | undefined {
  if (compressedBytes <= limit.bytes) return undefined;
  const [size, allowed] = [limit.format(compressedBytes), limit.format(limit.bytes)];
  return remarkOn(wish, 'error', {
    code: 'image-too-large',
    message: `the layers of ${image} have ${size} compressed, and ${allowed} are allowed`,
    hint: 'make the image smaller, or ask whoever keeps the wishlist to allow more',
  });
}

export function judgeRegistry(wish: Wish, allowed: readonly string[] | undefined): Remark | undefined {
  const { registry } = wish.reference;
  if (allowed === undefined || matchesRegistry(allowed, wish.reference)) return undefined;
  return remarkOn(wish, 'error', {
    code: 'registry-not-allowed',
    message: `${quoted(wish.text)} is at the registry ${registry}, which this wishlist does not allow; it was not asked`,
    hint: `push the image to one of: ${allowed.join(', ')}; or ask whoever keeps the wishlist`,
  });
}
