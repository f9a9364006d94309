import type { ImageLimits } from '../../publisher/image/image-limits.ts';
import { integer, size } from './value-types.ts';

/** The options of what one image may meter, part of the table of all options. */
export const IMAGE_LIMIT_OPTIONS = {
  imageLayerLimit: {
    key: 'image-layer-limit',
    flag: '--image-layer-limit <number>',
    type: integer(1, 100_000),
    default: '500',
    group: 'Limits:',
    description: 'how many layers an image may have',
  },
  imageSizeLimitBytes: {
    key: 'image-size-limit',
    flag: '--image-size-limit <size>',
    type: size,
    default: undefined,
    group: 'Limits:',
    description: 'how many bytes of compressed layers an image may have (default: any number)',
  },
  imageEntryLimit: {
    key: 'image-entry-limit',
    flag: '--image-entry-limit <number>',
    type: integer(1, 1_000_000_000),
    default: '1250000',
    group: 'Limits:',
    description:
      'how many files, directories and links the layers of an image may have together, with the folders that these need',
  },
  imageUnpackedLimitBytes: {
    key: 'image-unpacked-limit',
    flag: '--image-unpacked-limit <size>',
    type: size,
    default: '200GiB',
    group: 'Limits:',
    description: 'how many bytes of files an image may bring into the repository',
  },
  imageNameLimit: {
    key: 'image-name-limit',
    flag: '--image-name-limit <number>',
    type: integer(1, 1_000_000_000),
    default: '20000000',
    group: 'Limits:',
    description:
      'how many names an image may bring into the repository: layers, chains and flat tree together',
  },
  imageInodeLimit: {
    key: 'image-inode-limit',
    flag: '--image-inode-limit <number>',
    type: integer(1, 1_000_000_000),
    default: '5000000',
    group: 'Limits:',
    description: 'how many of these may be no further names of files: each takes an inode',
  },
  imageStepLimit: {
    key: 'image-step-limit',
    flag: '--image-step-limit <number>',
    type: integer(1, 1_000_000_000_000),
    default: '100000000',
    group: 'Limits:',
    description: 'how many names may be looked at to lay out an image: about 3 million in a second',
  },
} as const;

/** What the configuration says one image may meter. */
export function imageLimitsOf(configuration: LimitsConfiguration): ImageLimits {
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

type LimitsConfiguration = Readonly<
  Record<Exclude<keyof typeof IMAGE_LIMIT_OPTIONS, 'imageSizeLimitBytes'>, number>
> & { readonly imageSizeLimitBytes: number | undefined };
