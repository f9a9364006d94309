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
 *
 * @param ids each once
 */
export function shortNames(ids: Iterable<LayerId>): Map<LayerId, string> {
  const names = new Map<LayerId, string>();
  const owners = new Map<string, LayerId>();
  const alike = new Set<LayerId>();
  for (const id of ids) {
    const name = shortNameFamily(id);
    const other = owners.get(name);
    if (other !== undefined) alike.add(other).add(id);
    owners.set(name, id);
    names.set(id, name);
  }
  for (const [id, name] of distinctNames([...alike])) names.set(id, name);
  return names;
}

/** Of layers whose names would be those of others among them. */
function distinctNames(ids: readonly LayerId[]): Map<LayerId, string> {
  const taken = new Set<string>();
  return new Map(
    ids.toSorted().map((id) => {
      const name = freeName(id, taken);
      taken.add(name);
      return [id, name];
    }),
  );
}

function freeName(id: LayerId, taken: ReadonlySet<string>): string {
  const digits = digitsOf(id);
  for (let length = SHORT_CHARACTERS; length <= digits.length; length++) {
    const name = digits.slice(0, length);
    if (!taken.has(name)) return name;
  }
  return id;
}

/** What the short name of a layer begins with. Only those of one family can depend on each other. */
export function shortNameFamily(id: LayerId): string {
  return digitsOf(id).slice(0, SHORT_CHARACTERS);
}

/** The first digits of the identifier to the base of 62, the least first, which differ most. */
function digitsOf(id: LayerId): string {
  let digits = '';
  let rest = Number.parseInt(id.slice(0, NUMBER_HEX_DIGITS), 16);
  for (; rest > 0; rest = Math.floor(rest / DIGITS.length)) digits += DIGITS[rest % DIGITS.length] ?? '';
  return digits.padEnd(SHORT_CHARACTERS, '0');
}
