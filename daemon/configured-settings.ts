import { NO_SETTINGS, type WishSettings } from '../wishlist/recipe/settings.ts';
import type { Configuration } from './options.ts';

/** What counts for wishes that say nothing themselves, nor do their recipes. */
export function configuredSettings({ platforms, patternLimit: limit }: Configuration): WishSettings {
  return { ...NO_SETTINGS, platforms, limit };
}
