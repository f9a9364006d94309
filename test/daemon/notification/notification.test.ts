import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  formatTime,
  openNotification,
  type Notification,
} from '../../../daemon/notification/notification.ts';
import type { Event } from '../../../publisher/image/events.ts';
import { isFailure } from '../../../core/failure.ts';
import { temporaryDirectory } from '../../support/setup.ts';
import { BAD, EVENTS, GOOD, LAYER, PUBLISHED } from '../cli/run-events.ts';
import { skip } from '../../support/programs.ts';

type Line = Readonly<Record<string, string>>;

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const ID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** A clock that goes on by half a second each time that it is read. */
function clock(): () => Date {
  let ticks = 0;
  return () => new Date(2026, 1, 3, 4, 5, 6, 7 + 500 * ticks++);
}

async function linesOf(
  events: readonly Event[],
  { skipFlat = false }: { readonly skipFlat?: boolean } = {},
): Promise<Line[]> {
  const file = join(await temporaryDirectory('notification'), 'n');
  const notification = open(file, skipFlat);
  for (const event of events) notification.observe(event);
  notification.close();
  const text = await readFile(file, 'utf8');
  assert.ok(text.endsWith('\n'));
  return text
    .trimEnd()
    .split('\n')
    .map((line) => parse(line));
}

function open(file: string, skipFlat = false): Notification {
  return openNotification({ file, skipFlat, warn: (message) => assert.fail(message), now: clock() });
}

function parse(line: string): Line {
  const value: unknown = JSON.parse(line);
  assert.ok(typeof value === 'object' && value !== null);
  return Object.fromEntries(
    Object.entries(value).map(([key, text]): [string, string] => {
      assert.equal(typeof text, 'string');
      return [key, String(text)];
    }),
  );
}

/** What a line says, without what differs from run to run. */
function essence({ time, time_elapsed_s: elapsed, id, ...rest }: Line): Line {
  assert.match(time ?? '', /^[ \d]\d [A-Z][a-z]{2} \d{4} - \d\d:\d\d:\d\d\.\d{3}$/);
  if (elapsed !== undefined) assert.match(elapsed, /^\d+\.\d{6}$/);
  if (id !== undefined) assert.match(id, ID);
  return rest;
}

describe('daemon/notification/notification: the notification file', () => {
  it('holds the lines of DUCC for a run', async () => {
    const pid = String(process.pid);
    const error = 'https://***@quay.io sent other bytes';
    const lines = await linesOf(EVENTS);
    assert.deepEqual(lines.map(essence), [
      { action: 'start_ducc', pid },
      { action: 'start_flat_conversion', image: GOOD, image_request: GOOD },
      { action: 'start_layer_conversion', image: GOOD, layer: A },
      { action: 'start_flat_conversion', image: BAD, image_request: BAD },
      { action: 'start_layer_conversion', image: BAD, layer: B },
      {
        action: 'end_layer_conversion',
        image: BAD,
        layer: B,
        size_bytes: '8000',
        status: 'error',
        error: 'other bytes',
      },
      { action: 'end_flat_conversion', image: BAD, image_request: BAD, status: 'error', error },
      { action: 'end_layer_conversion', image: GOOD, layer: A, size_bytes: '2000', status: 'ok' },
      { action: 'publish_layer', image: GOOD, layer_digest: A },
      {
        action: 'publish_flat_image',
        image: GOOD,
        image_request: GOOD,
        public_path: GOOD,
        private_path: PUBLISHED.flatPath,
      },
      { action: 'end_flat_conversion', image: GOOD, image_request: GOOD, status: 'ok' },
      { action: 'end_ducc', pid },
    ]);
  });

  it('has the identifier of the beginning at the end, and the time between', async () => {
    const lines = await linesOf(EVENTS);
    const starts = lines.filter(
      ({ action, id }) => action?.startsWith('start_') === true && id !== undefined,
    );
    assert.equal(starts.length, 4);
    for (const { id, action } of starts) {
      const pair = lines.filter((line) => line['id'] === id).map((line) => line['action']);
      assert.deepEqual(pair, [action, action?.replace('start_', 'end_')]);
    }
    for (const { action, time_elapsed_s: elapsed } of lines) {
      assert.equal(Number(elapsed) > 0, action?.startsWith('end_') === true, action);
    }
  });

  it('has keys in alphabetical order', async () => {
    for (const line of await linesOf(EVENTS)) {
      assert.deepEqual(Object.keys(line), Object.keys(line).sort());
    }
  });

  const shown = new Set([
    'start_ducc',
    'end_ducc',
    'start_layer_conversion',
    'end_layer_conversion',
    'publish_layer',
  ]);
  it('leaves flat images out where none are made', async () => {
    const lines = await linesOf(EVENTS, { skipFlat: true });
    assert.deepEqual(new Set(lines.map(({ action }) => action)), shown);
  });

  const start: Event = { type: 'layer-started', image: GOOD, layer: LAYER, sizeBytes: 5 };
  const ends: readonly (readonly [what: string, events: readonly Event[], actions: readonly string[]])[] = [
    [
      'a publication that failed',
      [
        start,
        {
          type: 'publication-finished',
          repository: 'unpacked.example.org',
          layers: [LAYER],
          error: 'no space',
        },
      ],
      ['end_layer_conversion'],
    ],
    [
      'an image that failed after its layers had arrived',
      [
        start,
        {
          type: 'image-finished',
          image: GOOD,
          result: { outcome: 'failed', code: 'manifest-invalid', message: 'no', hint: undefined },
        },
      ],
      ['end_layer_conversion'],
    ],
    [
      'a download that begins anew',
      [start, start],
      ['end_layer_conversion', 'start_layer_conversion', 'end_layer_conversion'],
    ],
    ['the end of the run', [start], ['end_layer_conversion']],
  ];
  for (const [what, events, actions] of ends) {
    it(`ends a layer as failed at ${what}`, async () => {
      const lines = (await linesOf(events)).slice(2, -1);
      assert.deepEqual(
        lines.map(({ action }) => action),
        actions,
      );
      for (const { action, status } of lines)
        assert.equal(status, action?.startsWith('end_') === true ? 'error' : undefined);
    });
  }

  it('tells of a published layer that this run did not download', async () => {
    const lines = await linesOf([
      { type: 'publication-finished', repository: 'unpacked.example.org', layers: [LAYER], error: undefined },
    ]);
    assert.deepEqual(lines.slice(1, -1).map(essence), [{ action: 'publish_layer', layer_digest: A }]);
  });

  it('tells of no public name for an image that was published already', async () => {
    const lines = await linesOf([
      { type: 'image-started', image: GOOD },
      { type: 'image-finished', image: GOOD, result: { ...PUBLISHED, outcome: 'unchanged' } },
    ]);
    assert.deepEqual(
      lines.map(({ action }) => action),
      ['start_ducc', 'start_flat_conversion', 'end_flat_conversion', 'end_ducc'],
    );
  });

  it('has no error for what is passed over', async () => {
    const lines = await linesOf([
      { type: 'image-started', image: GOOD },
      { type: 'image-passed-over', image: GOOD },
    ]);
    assert.deepEqual(
      lines.flatMap(({ action, status }) => (action === 'end_flat_conversion' ? [status] : [])),
      ['ok'],
    );
  });

  it('tells of images that lost their public names', async () => {
    const reason = 'no line asks for it any more';
    const lines = await linesOf([{ type: 'image-removed', image: GOOD, reason }]);
    const [, removal] = lines.map(({ action, image, reason: why }) => [action, image, why]);
    assert.deepEqual(removal, ['remove_image', GOOD, reason]);
  });

  it('is appended to', async () => {
    const file = join(await temporaryDirectory('notification'), 'n');
    await writeFile(file, '{"action":"earlier"}\n');
    open(file).close();
    const actions = (await readFile(file, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => parse(line)['action']);
    assert.deepEqual(actions, ['earlier', 'start_ducc', 'end_ducc']);
  });

  it('must be one that can be opened', async () => {
    const folder = await temporaryDirectory('notification');
    await mkdir(join(folder, 'd'));
    for (const file of [join(folder, 'd'), join(folder, 'none', 'n')]) {
      assert.throws(
        () => open(file),
        (error) => isFailure(error, 'configuration-invalid') && error.message.includes(file),
      );
    }
  });

  it('is warned of once where it cannot be written', function () {
    if (!existsSync('/dev/full')) skip(this, 'without /dev/full');
    const warnings: string[] = [];
    const warn = (message: string): void => void warnings.push(message);
    const notification = openNotification({ file: '/dev/full', skipFlat: false, warn });
    for (const event of EVENTS) notification.observe(event);
    notification.close();
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /ENOSPC/);
    return undefined;
  });
});

describe('daemon/notification/notification: the time of DUCC', () => {
  const cases: readonly (readonly [time: Date, text: string])[] = [
    [new Date(2026, 1, 3, 4, 5, 6, 7), ' 3 Feb 2026 - 04:05:06.007'],
    [new Date(2025, 11, 31, 23, 59, 59, 999), '31 Dec 2025 - 23:59:59.999'],
  ];
  for (const [time, text] of cases)
    it(`is ${JSON.stringify(text)}`, () => assert.equal(formatTime(time), text));
});
