import type { Option } from './options.ts';
import { duration, integer, size } from './value-types.ts';

/** How much is asked of registries at the same time, and how slow they may be. */
export const REGISTRY_OPTIONS = {
  registryRequests: {
    key: 'registry-requests',
    flag: '--registry-requests <number>',
    type: integer(1, 64),
    default: '8',
    group: 'Limits:',
    description: 'how many requests go to one registry at the same time',
  },
  downloads: {
    key: 'downloads',
    flag: '--downloads <number>',
    type: integer(1, 64),
    default: '4',
    group: 'Limits:',
    description:
      'how many layers are downloaded at the same time from one registry; half as many more from others',
  },
  downloadRateBytes: {
    key: 'download-rate',
    flag: '--download-rate <size>',
    type: size,
    default: '256KiB',
    group: 'Limits:',
    description:
      'how many bytes a second a download must bring on average, after its first ten minutes: a slower one fails',
  },
  tagListTimeoutMs: {
    key: 'tag-list-timeout',
    flag: '--tag-list-timeout <duration>',
    type: duration(1000),
    default: '10m',
    group: 'Limits:',
    description: 'within which time a registry must give all tags of a repository',
  },
  manifestTimeoutMs: {
    key: 'manifest-timeout',
    flag: '--manifest-timeout <duration>',
    type: duration(1000),
    default: '5m',
    group: 'Limits:',
    description: 'within which time a registry must give all manifests and configs of one image',
  },
} as const satisfies Readonly<Record<string, Option>>;
