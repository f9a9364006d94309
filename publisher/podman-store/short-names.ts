import type { LayerId } from './layer-ids.ts';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * So short because the names of all of an image's layers must fit into the options of one mount (4,096 bytes, of which
 * each takes the path of the store too), and long enough that those of a hundred thousand layers hardly ever collide.
 */
export const SHORT_CHARACTERS = 6;
/** As many as fit into a number exactly. */
const NUMBER_HEX_DIGITS = 13;

/**
 * A short name for each layer, by which others name it in their `lower` file. It follows from the identifier: where two
 * would be the same, the greater identifier has a longer one.
 */
export function shortNames(ids: Iterable<LayerId>): Map<LayerId, string> {
  const names = new Map<LayerId, string>();
  const taken = new Set<string>();
  for (const id of [...ids].sort()) {
    const name = candidates(id).find((candidate) => !taken.has(candidate)) ?? id;
    taken.add(name);
    names.set(id, name);
  }
  return names;
}

function candidates(id: LayerId): string[] {
  const digits = inBase62(Number.parseInt(id.slice(0, NUMBER_HEX_DIGITS), 16)).padEnd(SHORT_CHARACTERS, '0');
  const longer = Array.from(digits.slice(SHORT_CHARACTERS), (_, more) => SHORT_CHARACTERS + more + 1);
  return [SHORT_CHARACTERS, ...longer].map((length) => digits.slice(0, length));
}

/** The least digits first, which differ most. */
function inBase62(value: number): string {
  let digits = '';
  for (let rest = value; rest > 0; rest = Math.floor(rest / DIGITS.length)) {
    digits += DIGITS[rest % DIGITS.length] ?? '';
  }
  return digits;
}
