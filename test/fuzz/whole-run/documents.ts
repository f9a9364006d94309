import type { Random } from '../../publisher/tree/random-stacks.ts';
import { amount, oneIn, pick } from './choices.ts';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Stands in a document for lists in lists, which `JSON.stringify` could not write. */
const NESTED = '\u0000nested';

/** The text of something like `document`, as somebody would send it who wants to do harm. */
export function mutatedText(random: Random, document: Json): string {
  let changed = structuredClone(document);
  for (let times = random(4); times > 0; times--) changed = once(random, changed);
  const text = JSON.stringify(changed).replaceAll(JSON.stringify(NESTED), () => {
    const depth = amount(random, 100_000);
    return '['.repeat(depth) + ']'.repeat(depth);
  });
  if (oneIn(random, 20)) return text.slice(0, random(text.length));
  if (oneIn(random, 20)) return `${text}${' '.repeat(amount(random, 5_000_000))}`;
  return oneIn(random, 40) ? text.replace('{', '{"schemaVersion":1,"__proto__":{"size":1},') : text;
}

/** One value below, or the whole, is another one, twice there, or gone. */
function once(random: Random, value: Json): Json {
  if (typeof value !== 'object' || value === null || oneIn(random, 8)) return strange(random, value);
  if (Array.isArray(value)) {
    if (value.length === 0) return [strange(random, null)];
    const at = random(value.length);
    const item = value[at] ?? null;
    if (oneIn(random, 6)) return value.filter((_, index) => index !== at);
    if (oneIn(random, 6)) return [...value, ...Array.from({ length: amount(random, 2_000) }, () => item)];
    return value.map((one, index) => (index === at ? once(random, one) : one));
  }
  const keys = Object.keys(value);
  const key = keys.length === 0 || oneIn(random, 8) ? pick(random, KEYS) : pick(random, keys);
  if (oneIn(random, 6)) return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
  return { ...value, [key]: once(random, value[key] ?? null) };
}

const KEYS = ['urls', 'annotations', 'subject', 'artifactType', 'data', 'variant', 'history', '', 'size'];

function strange(random: Random, value: Json): Json {
  const length = amount(random, 10_000_000);
  return pick<() => Json>(random, [
    () => null,
    () => true,
    () => pick(random, [-1, 0, 0.5, 1e308, 2 ** 53, 2 ** 31, 600]),
    () => '',
    () => 'x'.repeat(length),
    () => '\u202e\u0007\n\u0085$(touch /tmp/escape)',
    () => '../../../../etc/passwd',
    () => `sha256:${'0'.repeat(64)}`,
    () => [],
    () => ({}),
    () => NESTED,
    () => Array.from({ length: length / 10 }, (_, index) => `V${index}=1`),
    () => Object.fromEntries(Array.from({ length: length / 30 }, (_, index) => [`k${index}`, ''])),
    () => [value, value],
    () => (typeof value === 'string' ? value.toUpperCase() : JSON.stringify(value).slice(0, 100)),
  ])();
}
