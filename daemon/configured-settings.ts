import type { Policy } from '../wishlist/meaning/confine.ts';
import { NO_SETTINGS, type WishSettings } from '../wishlist/recipe/settings.ts';
import type { Configuration } from './options.ts';

/** What counts for wishes that say nothing themselves, nor do their recipes. */
export function configuredSettings({ platforms }: Pick<Configuration, 'platforms'>): WishSettings {
  return { ...NO_SETTINGS, platforms };
}

/** What no wish may go beyond. */
export function configuredPolicy({
  allowedRegistries: registries,
  patternLimit: limit,
}: Pick<Configuration, 'allowedRegistries' | 'patternLimit'>): Policy {
  return { registries, limit };
}
