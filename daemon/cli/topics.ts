import { OPTIONS, type Option } from '../configuration/options.ts';

/** A page of options: `unpackd help TOPIC`. */
interface Page {
  readonly title: string;
  readonly groups: readonly Option['group'][];
}

export const TOPICS = {
  options: {
    title: 'General options, which every command takes',
    groups: ['Repository', 'CernVM-FS server', 'Input and output'],
  },
  publishing: {
    title: 'Options for what is published, and in which batches',
    groups: ['Publishing', 'Batches'],
  },
  'image-limits': { title: 'Limits for images and layers', groups: ['Image limits'] },
  'wishlist-limits': { title: 'Limits for wishlists and their sources', groups: ['Wishlist limits'] },
  registries: { title: 'Options for registries', groups: ['Registries'] },
  schedule: { title: 'Options for "daemon" and "loop"', groups: ['Daemon'] },
  checks: { title: 'Options for "wishlist check"', groups: ['Checking'] },
} as const satisfies Readonly<Record<string, Page>>;

export type Topic = keyof typeof TOPICS;

export const TOPIC_NAMES = Object.keys(TOPICS).filter(isTopic);

/** All options, in the order of their table. */
export const OPTION_TABLE: readonly Option[] = Object.values(OPTIONS);

export function isTopic(word: string): word is Topic {
  return Object.hasOwn(TOPICS, word);
}

export function optionsOn(topic: Topic): readonly Option[] {
  const groups: readonly string[] = TOPICS[topic].groups;
  return OPTION_TABLE.filter(({ group }) => groups.includes(group));
}
