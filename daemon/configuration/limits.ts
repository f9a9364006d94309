import type { ImageLimits } from '../../publisher/image/image-limits.ts';
import type { LayerLimits } from '../../publisher/layer/limits.ts';
import type { RemovalLimits } from '../../wishlist/meaning/holds.ts';
import type { Policy } from '../../wishlist/meaning/confine.ts';
import { NO_SETTINGS, type WishSettings } from '../../wishlist/recipe/settings.ts';
import type { Configuration } from './options.ts';

/** Limits on one layer. */
export function layerLimitsOf(configuration: Configuration): LayerLimits {
  return {
    sizeBytes: configuration.layerSizeLimitBytes,
    ratio: configuration.layerRatioLimit,
    entries: configuration.layerEntryLimit,
    headerBytes: configuration.layerHeaderLimitBytes,
    namesBytes: configuration.layerNamesLimitBytes,
  };
}

/** Limits on one image. */
export function imageLimitsOf(configuration: Configuration): ImageLimits {
  return {
    layers: configuration.imageLayerLimit,
    compressedBytes: configuration.imageSizeLimitBytes,
    entries: configuration.imageEntryLimit,
    contentBytes: configuration.imageUnpackedLimitBytes,
    names: configuration.imageNameLimit,
    inodes: configuration.imageInodeLimit,
    steps: configuration.imageStepLimit,
  };
}

/** Settings of wishes that neither they nor their recipes make. */
export function configuredSettings({ platforms }: Pick<Configuration, 'platforms'>): WishSettings {
  return { ...NO_SETTINGS, platforms };
}

/** Limits on removals in one cycle. */
export function removalLimitsOf({
  removalLimit: images,
  removalSharePercent: percent,
}: Pick<Configuration, 'removalLimit' | 'removalSharePercent'>): RemovalLimits {
  return { images, percent };
}

/** Limits on all wishes. */
export function configuredPolicy({
  allowedRegistries: registries,
  patternLimit: limit,
  sourceImageLimit: images,
}: Pick<Configuration, 'allowedRegistries' | 'patternLimit' | 'sourceImageLimit'>): Policy {
  return { registries, limit, images };
}
