import assert from 'node:assert/strict';
import type { ImageSummary } from '../../../daemon/state/state.ts';
import type { RepositoryStatus, StatusReport } from '../../../daemon/status/report.ts';
import { indentedText } from '../../../daemon/output/format.ts';
import { failureText, statusText } from '../../../daemon/status/text.ts';
import { emptyReport } from './empty-report.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** In the zone of the process. */
const NOW = new Date(2026, 0, 5, 12, 0).getTime();
const NAME = 'images.unpackd.test';
const FAILURE = { code: 'tag-unknown', message: 'no such tag', hint: 'correct it' };

const DAY_MS = 24 * HOUR;
const NOTHING = emptyReport(NOW);
const REPOSITORY: RepositoryStatus = {
  name: NAME,
  scannedMs: 1,
  pausedSinceMs: undefined,
  failure: undefined,
  failingSinceMs: undefined,
  images: 2,
  bytes: 3_000_000,
  pending: [],
  failing: [],
  suspects: [],
  damaged: [],
  holds: [],
  unwanted: [],
  lastPublication: undefined,
  collection: undefined,
  activity: undefined,
};
const DAEMON = {
  version: '1.2.3',
  pid: 7,
  startedMs: NOW - 25 * HOUR,
  isStopping: false,
  spool: { bytes: 1000, limitBytes: 100 * 2 ** 30 },
  repositories: [],
};
const SOURCE = { name: 'lab', commit: undefined, failure: undefined, failingSince: undefined };
const IDLE = { repository: NAME, waiting: 0, preparing: [], ready: 0, publishing: [], layers: [] };
const PUBLICATION = {
  id: 1,
  repository: NAME,
  revision: undefined,
  startedMs: NOW - 6 * MINUTE,
  finishedMs: NOW - 5 * MINUTE,
  images: 1,
  layers: 1,
  bytes: 1,
  error: undefined,
};

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function failing(count: number): RepositoryStatus['failing'] {
  return Array.from({ length: count }, (_, index) => ({
    publicName: `quay.io/a:${index}`,
    image: `quay.io/a:${index}`,
    tries: index + 1,
    sinceMs: NOW - 3 * HOUR,
    nextTryMs: NOW + 20 * MINUTE,
    failure: FAILURE,
    isPublished: false,
  }));
}

describe('daemon/status/text', () => {
  const reports: [what: string, report: Partial<StatusReport>, lines: string[]][] = [
    [
      'what was collected, what waits, what is held, and what failed',
      {
        repositories: [
          {
            ...REPOSITORY,
            collection: {
              finishedMs: NOW - 5 * HOUR,
              failedMs: NOW - 4 * HOUR,
              swept: 12,
              waiting: 40,
              nextDueMs: NOW + 20 * MINUTE,
              blocked: ['.metadata/x: it cannot be read'],
              failure: FAILURE,
            },
          },
        ],
      },
      [
        'daemon: not running',
        '',
        NAME,
        '  published: 2 images (3.0 MB of layers)',
        '  collected 5 h ago: 12 trees taken away; 40 more wait, the first until 2026-01-05 12:20 +00:00',
        '  nothing is collected that may be referred to: .metadata/x: it cannot be read',
        '  the collection 4 h ago failed: no such tag; correct it [tag-unknown]',
      ],
    ],
    ['no daemon', {}, ['daemon: not running']],
    [
      'the room that is left',
      { disk: { path: '/state', freeBytes: 5e9, sizeBytes: 9e9 } },
      ['daemon: not running; 5.0 GB free in /state'],
    ],
    ['a daemon that does not answer', { daemon: 'silent' }, ['daemon: running, but not answering']],
    [
      'a daemon that may not be asked, and what is wrong with its database',
      { daemon: 'private', troubles: [FAILURE] },
      [
        'daemon: running; only its user may query it',
        '',
        'problems with unpackd itself',
        '  no such tag; correct it [tag-unknown]',
      ],
    ],
    [
      'a daemon that waits',
      { daemon: { ...DAEMON, nextCycleMs: NOW + 2 * MINUTE } },
      [
        'daemon: running since 2026-01-04 11:00 +00:00 (unpackd 1.2.3, process 7); next check in 2 min',
        'spool: 1.0 kB of 100GiB',
      ],
    ],
    [
      'a daemon that looks',
      { daemon: { ...DAEMON, cycleSinceMs: NOW - 30_000, nextCycleMs: NOW } },
      [
        'daemon: running since 2026-01-04 11:00 +00:00 (unpackd 1.2.3, process 7); checking wishlists and registries for 30 s',
        'spool: 1.0 kB of 100GiB',
      ],
    ],
    [
      'a daemon that is late',
      { daemon: { ...DAEMON, nextCycleMs: NOW - 103_000 } },
      [
        'daemon: running since 2026-01-04 11:00 +00:00 (unpackd 1.2.3, process 7); next check now',
        'spool: 1.0 kB of 100GiB',
      ],
    ],
    [
      'a daemon that stops, and looks no more',
      { daemon: { ...DAEMON, isStopping: true, nextCycleMs: NOW + MINUTE } },
      ['daemon: stopping (unpackd 1.2.3, process 7)', 'spool: 1.0 kB of 100GiB'],
    ],
    [
      'a pause of all',
      { allPausedSinceMs: NOW },
      [
        'daemon: not running',
        'all repositories are paused since 2026-01-05 12:00 +00:00: "unpackd resume" ends that',
      ],
    ],
    [
      'sources',
      {
        sources: [
          { ...SOURCE, since: undefined, fetchedAt: undefined },
          { ...SOURCE, since: iso(NOW), fetchedAt: iso(NOW - 3 * MINUTE) },
          {
            ...SOURCE,
            since: iso(NOW),
            commit: { hash: '0123456789abcdef', author: 'Ann', date: '2026-01-01T10:00:00+02:00' },
            fetchedAt: iso(NOW - 3 * HOUR),
            failure: FAILURE,
            failingSince: iso(NOW - 2 * HOUR),
          },
        ],
      },
      [
        'daemon: not running',
        '',
        'sources',
        '  lab: never read',
        '  lab: in force since 2026-01-05 12:00 +00:00, read 3 min ago',
        '  lab: commit 0123456789ab of 2026-01-01 08:00 +00:00 by Ann, read 3 h ago; failing for 2 h: no such tag; correct it [tag-unknown]',
      ],
    ],
    [
      'lines without images',
      { lines: [{ text: 'x', failure: { ...FAILURE, hint: undefined } }] },
      ['daemon: not running', '', 'wishlist lines that give no image', '  no such tag [tag-unknown]'],
    ],
  ];
  for (const [what, report, lines] of reports) {
    it(`shows ${what}`, () => {
      assert.equal(statusText({ ...NOTHING, ...report }), lines.map((line) => `${line}\n`).join(''));
    });
  }

  const PUBLISHED = '  published: 2 images (3.0 MB of layers)';
  const repositories: [what: string, change: Partial<RepositoryStatus>, lines: string[]][] = [
    ['what is published', {}, [PUBLISHED]],
    [
      'the last publication',
      { lastPublication: PUBLICATION },
      [`${PUBLISHED}; the last publication 5 min ago: 1 image`],
    ],
    [
      'one that failed',
      { lastPublication: { ...PUBLICATION, revision: 8, error: 'no' } },
      [`${PUBLISHED}; the last publication 5 min ago: 1 image, revision 8, which failed`],
    ],
    [
      'a pause, and why nothing can be published',
      { pausedSinceMs: NOW, failure: FAILURE, failingSinceMs: NOW - HOUR },
      [
        PUBLISHED,
        '  paused since 2026-01-05 12:00 +00:00',
        '  nothing can be published since 2026-01-05 11:00 +00:00: no such tag; correct it [tag-unknown]',
      ],
    ],
    [
      'what is pending',
      { pending: [{ image: 'quay.io/a:1', sinceMs: NOW - 4 * MINUTE }] },
      [PUBLISHED, '  pending: 1 image', '    quay.io/a:1, asked for 4 min ago'],
    ],
    [
      'what fails',
      { failing: failing(2) },
      [
        PUBLISHED,
        '  failing: 2 images',
        '    quay.io/a:0, for 3 h, 1 try, next in 20 min: no such tag; correct it [tag-unknown]',
        '    quay.io/a:1, for 3 h, 2 tries, next in 20 min: no such tag; correct it [tag-unknown]',
      ],
    ],
    [
      'a registry that cannot be reached in one line',
      {
        failing: [
          ...failing(3).map((one) => ({
            ...one,
            failure: { ...FAILURE, code: 'registry-unreachable' },
            isPublished: one.tries > 1,
          })),
          ...failing(1),
        ],
      },
      [
        PUBLISHED,
        '  failing: 4 images',
        '    quay.io: 3 images, 2 published, for 3 h, 1 try, next in 20 min: no such tag; correct it [registry-unreachable]',
        '    quay.io/a:0, for 3 h, 1 try, next in 20 min: no such tag; correct it [tag-unknown]',
      ],
    ],
    [
      'what is damaged',
      {
        damaged: [
          {
            name: 'quay.io/a:1',
            verifiedMs: NOW,
            sinceMs: NOW,
            count: 7,
            damages: [
              { kind: 'mode', path: '.flat/a', message: 'mode: not 0755', isOfContent: false, sinceMs: NOW },
            ],
          },
        ],
      },
      [
        PUBLISHED,
        `  damaged ("unpackd verify --repair ${NAME}" repairs): 1 image`,
        '    quay.io/a:1, since 2026-01-05 12:00 +00:00: 7 differences, such as .flat/a (mode: not 0755)',
      ],
    ],
    [
      'what nobody asks for',
      {
        unwanted: [
          unwanted('quay.io/a:1', {}),
          unwanted('quay.io/a:2', { reason: 'tag gone', dueMs: NOW + 2 * DAY_MS }),
          unwanted('quay.io/a:3', { reason: 'line gone', dueMs: NOW - 1 }),
          unwanted('quay.io/a:4', { reason: 'newer tags', dueMs: NOW - 2, hold: 'too-many' }),
          unwanted('quay.io/a:5', { reason: 'platform no longer asked for' }),
        ],
      },
      [
        PUBLISHED,
        '  no longer asked for, still published: 5 images',
        ...[
          'quay.io/a:4 SINCE, as newer tags took its place; held [too-many]',
          'quay.io/a:3 SINCE, as no line asks for it any more; its name goes with the next check',
          'quay.io/a:2 SINCE, as its registry has no such tag any more; its name goes in 2 d, on 2026-01-07 12:00 +00:00',
          'quay.io/a:1 SINCE; stays while that is not sure',
          'quay.io/a:5 SINCE, as nobody asks for this platform any more; stays for ever',
        ].map(
          (line) =>
            `    ${line.replace(' SINCE', ' (linux/arm64), not wanted since 2026-01-05 12:00 +00:00')}`,
        ),
      ],
    ],
    [
      'why removals wait',
      { holds: [{ ...FAILURE, code: 'too-many', sinceMs: NOW }] },
      [PUBLISHED, '  removals are held since 2026-01-05 12:00 +00:00: no such tag; correct it [too-many]'],
    ],
    ['nothing of a daemon that is idle', { activity: IDLE }, [PUBLISHED]],
    [
      'what the daemon does',
      {
        activity: {
          ...IDLE,
          publishing: ['a', 'b'],
          published: { bytes: 1000, ofBytes: 2000 },
          waitingFor: 'another writer holds it',
          preparing: ['quay.io/c:1'],
          layers: [{ layer: `sha256:${'d'.repeat(64)}`, image: 'quay.io/c:1', bytes: 5, sizeBytes: 10 }],
          waiting: 3,
          ready: 1,
        },
      },
      [
        PUBLISHED,
        '  publishing 2 images, 1.0 kB of 2.0 kB',
        '  another writer holds it',
        '  fetching 1 image: quay.io/c:1',
        `    sha256:${'d'.repeat(12)} of quay.io/c:1: 5 B of 10 B`,
        '  3 images to be fetched, 1 image to be published next',
      ],
    ],
    [
      'a publication that has only begun',
      { activity: { ...IDLE, publishing: ['a'] } },
      [PUBLISHED, '  publishing 1 image'],
    ],
  ];
  for (const [what, change, lines] of repositories) {
    it(`shows ${what} in a repository`, () => {
      const text = statusText({ ...NOTHING, repositories: [{ ...REPOSITORY, ...change }] });
      assert.deepEqual(text.split('\n'), ['daemon: not running', '', NAME, ...lines, '']);
    });
  }

  it('shows twenty of a kind, and counts the rest', () => {
    const text = statusText({ ...NOTHING, repositories: [{ ...REPOSITORY, failing: failing(23) }] });
    assert.equal(text.match(/^ {4}quay\.io/gm)?.length, 20);
    assert.match(text, /^ {4}and 3 more: /m);
  });

  it('has one line for each thing, indented as it is, without secrets', () => {
    const lines = indentedText(['  a\nb', 'token=SECRETVALUE', '']).split('\n');
    assert.equal(lines.length, 4);
    assert.match(lines[0] ?? '', /^ {2}a/);
    assert.doesNotMatch(lines.join(), /SECRETVALUE/);
  });

  it('shows the code of a failure', () => {
    assert.equal(failureText(FAILURE), 'no such tag; correct it [tag-unknown]');
  });
});

function unwanted(publicName: string, change: Partial<ImageSummary>): ImageSummary {
  return {
    publicName,
    platform: 'linux/arm64',
    image: undefined,
    config: 'sha256:c',
    publishedMs: undefined,
    layers: 1,
    bytes: 1,
    unwantedSinceMs: NOW,
    reason: undefined,
    dueMs: undefined,
    hold: undefined,
    ...change,
  };
}
