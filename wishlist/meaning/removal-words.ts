import type { RemovalReason } from './removal.ts';

const TEXTS: Readonly<Record<RemovalReason, string>> = {
  'line gone': 'no line asks for it any more',
  'tag gone': 'its registry has no such tag any more',
  'pattern changed': 'no pattern means it any more',
  'newer tags': 'newer tags took its place',
  'platform no longer asked for': 'nobody asks for this platform any more',
  'old digest': 'its tag has moved on, and later ones are kept',
  'source gone': 'the source that asked for it is no longer configured',
};

export function isRemovalReason(text: string): text is RemovalReason {
  return Object.hasOwn(TEXTS, text);
}

/** Why an image goes, as the end of a sentence. */
export function reasonText(reason: RemovalReason): string {
  return TEXTS[reason];
}
