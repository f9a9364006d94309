import type { Random } from '../../publisher/tree/random-stacks.ts';
import { amount, oneIn, pick } from './choices.ts';

export interface Wish {
  readonly what: string;
  /** What the registry lists; the first ones are there. */
  readonly tags: readonly string[];
  /** As a guest's `items`. */
  readonly items: readonly (readonly string[])[];
}

/** What somebody may write into a recipe for the repository at `base`, `http://HOST/REPOSITORY`. */
export function wishOf(random: Random, base: string): Wish {
  switch (random(10)) {
    case 0: {
      const tags = tagsOf(random);
      const pattern = pick(random, ['*', '1.*', '*-*', 't*', `${'*a'.repeat(amount(random, 400))}*`]);
      return {
        what: `${tags.length} tags, pattern ${shortened(pattern)}`,
        tags,
        items: [[`- '${base}:${pattern}'`]],
      };
    }
    case 1: {
      const tags = tagsOf(random);
      const entry = pick(random, RANGES)(random);
      const newest = oneIn(random, 2) ? [`  newest: ${amount(random, 100)}`] : [];
      const items = [[`- image: '${base}'`, `  tags: ['${entry}']`, ...newest]];
      return { what: `${tags.length} tags, entry ${shortened(entry)}`, tags, items };
    }
    case 2: {
      const setting = pick(random, SETTINGS)(random);
      return {
        what: `setting ${shortened(setting)}`,
        tags: ['1'],
        items: [[`- image: '${base}:1'`, `  ${setting}`]],
      };
    }
    case 3: {
      const line = pick(random, LINES)(random, base);
      return { what: `line ${shortened(line)}`, tags: ['1'], items: [[`- '${base}:1'`], [`- ${line}`]] };
    }
    case 4: {
      const times = amount(random, 300);
      const items = Array.from({ length: times }, (_, at) => [`- '${base}:${at}'`]);
      return { what: `${times} tags, one by one`, tags: items.map((_, at) => `${at}`), items };
    }
    default:
      return { what: 'a plain wish', tags: ['1'], items: [[`- '${base}:1'`]] };
  }
}

/** Nobody's directory, in the form that a text of YAML in single quotes has. */
const ESCAPE = '../../../escape';

const RANGES: readonly ((random: Random) => string)[] = [
  () => '>=1.0 <2',
  () => '^1.2 || ~3.4',
  (random) => `>=${'1'.repeat(amount(random, 5_000))}`,
  (random) => Array.from({ length: amount(random, 2_000) }, (_, at) => `=${at}`).join(' || '),
  (random) => '{a,b}'.repeat(amount(random, 300)),
  (random) => `{1..${amount(random, 10_000_000)}}`,
  () => '!(a|b)+(c)',
  () => '[[:alpha:]]*[',
];

const SETTINGS: readonly ((random: Random) => string)[] = [
  () => `subdirectory: '${ESCAPE}'`,
  () => `subdirectory: podmanStore/overlay`,
  () => `subdirectory: PodmanStore`,
  () => `subdirectory: .flat/x`,
  () => `subdirectory: .unpackd`,
  (random) => `subdirectory: '${'a/'.repeat(amount(random, 5_000))}b'`,
  () => 'keep: -1d',
  () => 'outputs: [chains]',
  () => 'outputs: [flat, podman, layers, x]',
  (random) => `limit: ${amount(random, 1e15)}`,
  (random) =>
    `platforms: [${Array.from({ length: amount(random, 500) }, (_, at) => `linux/a${at}`).join(', ')}]`,
  () => 'platforms: [linux/amd64, linux/arm64]',
  () => 'repositories: other.unpackd.test',
  () => '__proto__: {a: 1}',
  () => 'constructor: x',
];

/** Within what a line may have: with a longer one the recipe is none, and keeps its last good version. */
const LINES: readonly ((random: Random, base: string) => string)[] = [
  (random, base) => `'${base}:${'x'.repeat(amount(random, 60_000))}'`,
  (random) => `'${'a/'.repeat(amount(random, 30_000))}'`,
  () => "'http://user:secret@127.0.0.1/x:1'",
  () => "'file:///etc/passwd'",
  () => "'-oProxyCommand=touch /tmp/escape'",
  (_random, base) => `'${base}@sha256:${'0'.repeat(64)}'`,
  (_random, base) => `'${base}/../../x:1'`,
  () => '"\\u202e\\u0007\\n::error::x\\r##[command]"',
  () => '{}',
  () => '[[[[]]]]',
  () => 'null',
  () => '1e999',
  () => '!!binary AAAA',
  // Deeper ones make no YAML of the whole recipe.
  (random) => '['.repeat(amount(random, 50)).replace(/$/, (_, at: number) => ']'.repeat(at)),
];

function tagsOf(random: Random): string[] {
  const [count, length] = [amount(random, 200_000), amount(random, 100)];
  const form = pick<(at: number) => string>(random, [
    (at) => `1.${at}`,
    (at) => `t${at}-${'a'.repeat(length)}`,
    (at) => `v${at % 10}.${at}.${at}`,
    (at) => (at % 3 === 0 ? `../${at}` : `1.${at}`),
    (at) => `${at}\n\u202e$(touch /tmp/escape)`,
  ]);
  return Array.from({ length: count }, (_, at) => form(at));
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}… (${text.length} characters)` : text;
}
