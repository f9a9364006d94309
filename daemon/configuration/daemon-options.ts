import type { Option } from './options.ts';
import { cronExpression, machineTimeZone, timeZone } from './schedule-types.ts';
import { duration, integer, size } from './value-types.ts';

/** What is on its way into repositories at the same time. */
export const QUEUE_OPTIONS = {
  batchImages: {
    key: 'batch-images',
    flag: '--batch-images <number>',
    type: integer(1, 100_000),
    default: '500',
    group: 'Limits:',
    description: 'how many images go into one publication',
  },
  batchAgeMs: {
    key: 'batch-age',
    flag: '--batch-age <duration>',
    type: duration(),
    default: '1m',
    group: 'Limits:',
    description: 'how long an image that is ready waits for others to be published with it',
  },
  spoolSizeBytes: {
    key: 'spool-size',
    flag: '--spool-size <size>',
    type: size,
    default: '100GiB',
    group: 'Limits:',
    description:
      'how many bytes of layers lie in the spool: what is fetched ahead of its publication, and what is left of failed images',
  },
} as const satisfies Readonly<Record<string, Option>>;

/** When the daemon does what. */
export const SCHEDULE_OPTIONS = {
  schedule: {
    key: 'schedule',
    flag: '--schedule <cron>',
    type: cronExpression,
    default: '*/5 * * * *',
    group: 'Daemon:',
    description:
      'when the daemon looks at wishlists and registries: a cron expression, with seconds in front where it has six fields',
  },
  timeZone: {
    key: 'time-zone',
    flag: '--time-zone <zone>',
    type: timeZone,
    default: { text: "the machine's", compute: () => machineTimeZone() },
    group: 'Daemon:',
    description: 'of the schedule, such as Europe/Zurich',
  },
  jitterMs: {
    key: 'jitter',
    flag: '--jitter <duration>',
    type: duration(),
    default: '10s',
    group: 'Daemon:',
    description: 'how much later than scheduled it may begin, by chance, so that not all sites ask at once',
  },
  stopTimeoutMs: {
    key: 'stop-timeout',
    flag: '--stop-timeout <duration>',
    type: duration(),
    default: '4m',
    group: 'Daemon:',
    description: 'how long a publication that runs may take to its end when the daemon is stopped',
  },
} as const satisfies Readonly<Record<string, Option>>;
