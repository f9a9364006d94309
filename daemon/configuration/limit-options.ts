import { SOURCE_LIMITS } from '../../wishlist/meaning/confine.ts';
import { RECIPE_LIMITS } from '../../wishlist/recipe/limits.ts';
import type { OptionGroups } from './option.ts';
import { duration, integer, size } from './value-types.ts';

/** Limits on batches, waiting, layers, images, wishlists and registries. */
export const LIMIT_OPTIONS = {
  Batches: {
    waitMs: {
      key: 'wait',
      type: duration(),
      default: '10m',
      summary: 'wait this long for another writer of the repository',
    },
    publishTimeoutMs: {
      key: 'publish-timeout',
      type: duration(1000),
      default: '30m',
      summary: 'stop a cvmfs_server command after this long without progress',
    },
    batchSizeBytes: {
      key: 'batch-size',
      type: size,
      default: '20GiB',
      summary: 'maximum compressed size of the layers in one publication',
    },
    batchImages: {
      key: 'batch-images',
      type: integer(1, 100_000),
      default: '500',
      summary: 'maximum images in one publication',
    },
    batchAgeMs: {
      key: 'batch-age',
      type: duration(),
      default: '1m',
      summary: 'maximum time a ready image waits for others',
    },
    spoolSizeBytes: {
      key: 'spool-size',
      type: size,
      default: '100GiB',
      summary: 'maximum size of the layers in the spool',
      details: 'Downloads waiting to be published, and leftovers of failed images.',
    },
  },
  'Image limits': {
    layerSizeLimitBytes: {
      key: 'layer-size-limit',
      type: size,
      default: '100GiB',
      summary: 'maximum unpacked size of a layer, holes of sparse files included',
    },
    layerRatioLimit: {
      key: 'layer-ratio-limit',
      type: integer(2, 1_000_000),
      default: '200',
      summary: 'maximum unpacked size of a layer, as a multiple of its compressed size',
      details: 'Holes of sparse files count. Enforced after the first 256 MiB.',
    },
    layerEntryLimit: {
      key: 'layer-entry-limit',
      type: integer(1, 1_000_000_000),
      default: '1250000',
      summary: 'maximum files, directories and links in a layer',
    },
    layerHeaderLimitBytes: {
      key: 'layer-header-limit',
      type: size,
      default: '1MiB',
      summary: 'maximum size of an extended header or sparse map in a layer',
    },
    layerNamesLimitBytes: {
      key: 'layer-names-limit',
      type: size,
      default: '128MiB',
      summary: 'maximum size of all names, link targets and attributes in a layer',
      details: 'What is repeated counts once.',
    },
    imageLayerLimit: {
      key: 'image-layer-limit',
      type: integer(1, 100_000),
      default: '500',
      summary: 'maximum layers of an image',
    },
    imageSizeLimitBytes: {
      key: 'image-size-limit',
      type: size,
      summary: 'maximum compressed size of an image',
      unset: 'unlimited',
      example: '20GB',
    },
    imageEntryLimit: {
      key: 'image-entry-limit',
      type: integer(1, 1_000_000_000),
      default: '1250000',
      summary: 'maximum entries in all layers of an image, implied directories included',
    },
    imageUnpackedLimitBytes: {
      key: 'image-unpacked-limit',
      type: size,
      default: '200GiB',
      summary: 'maximum bytes of files an image may add to the repository',
    },
    imageNameLimit: {
      key: 'image-name-limit',
      type: integer(1, 1_000_000_000),
      default: '20000000',
      summary: 'maximum names an image may add: layers, chains and flat tree together',
    },
    imageInodeLimit: {
      key: 'image-inode-limit',
      type: integer(1, 1_000_000_000),
      default: '5000000',
      summary: 'maximum inodes an image may add; further hard links need none',
    },
    imageStepLimit: {
      key: 'image-step-limit',
      type: integer(1, 1_000_000_000_000),
      default: '100000000',
      summary: 'maximum names visited to lay out an image (about 3 million a second)',
    },
  },
  'Wishlist limits': {
    wishLimit: {
      key: 'wish-limit',
      type: integer(1, 100_000),
      default: String(RECIPE_LIMITS.wishes),
      summary: 'maximum lines of images in a source or recipe; the rest is refused',
    },
    sourceImageLimit: {
      key: 'source-image-limit',
      type: integer(1, 10_000_000),
      default: String(SOURCE_LIMITS.images),
      summary: 'maximum images a source may ask for, counted per platform',
      details: 'A line that exceeds it fails.',
    },
    patternLimit: {
      key: 'pattern-limit',
      type: integer(1, 1_000_000),
      default: '1000',
      summary: 'maximum tags a pattern may match',
      details: 'A pattern that matches more fails. Its own `limit` can only be lower.',
    },
    removalLimit: {
      key: 'removal-limit',
      type: integer(0, 10_000_000),
      default: '50',
      summary: 'maximum images that lose their public names in one repository at once',
      details: 'More stay until somebody confirms it. See [removing images](operators.md#removing-images).',
    },
    removalSharePercent: {
      key: 'removal-share',
      type: integer(0, 100),
      default: '10',
      summary: 'the same in percent of the images in the repository; five may always go',
    },
    sourceSizeLimitBytes: {
      key: 'source-size-limit',
      type: size,
      default: '256MiB',
      summary: 'maximum size of one fetch from a git source, and of its clone',
    },
  },
} as const satisfies OptionGroups;
