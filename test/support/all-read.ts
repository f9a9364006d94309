import type { RemovalKnowledge } from '../../wishlist/meaning/removal.ts';

/** The only source of wishes in tests of plans. */
export const WISHLIST = 'wishlist';

/** Every source was read, no pattern counts, and no registry was asked for single tags. */
export const ALL_READ: Pick<RemovalKnowledge, 'patterns' | 'tags' | 'sources'> = {
  patterns: [],
  tags: { absent: () => undefined },
  sources: { read: new Set([WISHLIST]), configured: new Set([WISHLIST]) },
};
