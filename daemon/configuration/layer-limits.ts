import type { LayerLimits } from '../../publisher/layer/limits.ts';
import { integer, size } from './value-types.ts';

/** The options of what layers may demand, part of the table of all options. */
export const LAYER_LIMIT_OPTIONS = {
  layerSizeLimitBytes: {
    key: 'layer-size-limit',
    flag: '--layer-size-limit <size>',
    type: size,
    default: '100GiB',
    group: 'Limits:',
    description: 'how many bytes a layer may unpack to, holes of sparse files included',
  },
  layerRatioLimit: {
    key: 'layer-ratio-limit',
    flag: '--layer-ratio-limit <number>',
    type: integer(2, 1_000_000),
    default: '200',
    group: 'Limits:',
    description:
      'how many times its compressed size a layer may unpack to, holes of sparse files included; counts once it has given 256 MiB',
  },
  layerEntryLimit: {
    key: 'layer-entry-limit',
    flag: '--layer-entry-limit <number>',
    type: integer(1, 1_000_000_000),
    default: '1250000',
    group: 'Limits:',
    description: 'how many files, directories and links a layer may have',
  },
  layerHeaderLimitBytes: {
    key: 'layer-header-limit',
    flag: '--layer-header-limit <size>',
    type: size,
    default: '1MiB',
    group: 'Limits:',
    description: 'how many bytes an extended header in a layer may have, or the map of a sparse file',
  },
  layerNamesLimitBytes: {
    key: 'layer-names-limit',
    flag: '--layer-names-limit <size>',
    type: size,
    default: '128MiB',
    group: 'Limits:',
    description:
      'how many bytes the names, link targets and extended attributes of a layer may have together, what is repeated counted once',
  },
} as const;

/** What the configuration says one layer may demand. */
export function layerLimitsOf(configuration: LimitsConfiguration): LayerLimits {
  return {
    sizeBytes: configuration.layerSizeLimitBytes,
    ratio: configuration.layerRatioLimit,
    entries: configuration.layerEntryLimit,
    headerBytes: configuration.layerHeaderLimitBytes,
    namesBytes: configuration.layerNamesLimitBytes,
  };
}

type LimitsConfiguration = Readonly<Record<keyof typeof LAYER_LIMIT_OPTIONS, number>>;
