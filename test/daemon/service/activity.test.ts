import assert from 'node:assert/strict';
import { join } from 'node:path';
import { serviceStatusText } from '../../../daemon/service/activity.ts';
import type { DaemonActivity } from '../../../daemon/service/activity-schema.ts';
import { ServiceManager, giveSignsOfLife } from '../../../daemon/systemd/service-manager.ts';
import { DatagramReceiver } from '../../support/datagrams.ts';
import { needs } from '../../support/programs.ts';
import { temporaryDirectory } from '../../support/setup.ts';

type Repository = DaemonActivity['repositories'][number];

describe('daemon/service/activity', () => {
  it('are the watchdog, and what goes on whenever that has changed', async function () {
    needs(this, 'python3');
    const socket = join(await temporaryDirectory('notify'), 'notify');
    const receiver = await DatagramReceiver.on(socket);
    const states = [undefined, 'starting', 'starting', 'nothing to do', 'nothing to do'];
    let looks = 0;
    const manager = new ServiceManager({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '10000000' });
    const end = giveSignsOfLife(manager, () => states[looks++]);
    try {
      await receiver.matching(/^WATCHDOG=1/, 1);
      const texts = await receiver.texts(3);
      assert.deepEqual(
        texts.filter((text) => text.startsWith('STATUS=')),
        ['STATUS=starting', 'STATUS=nothing to do'],
      );
    } finally {
      end();
      await receiver.close();
    }
    assert.ok(looks >= 4, String(looks));
  });

  const idle: Repository = {
    repository: 'a.b',
    publishing: [],
    preparing: [],
    waiting: 0,
    ready: 0,
    layers: [],
  };
  const failure = { code: 'state-unusable', message: 'it may not be written' };
  const cases: [Parameters<typeof serviceStatusText>[0], text: string][] = [
    [{ repositories: [] }, 'nothing to do'],
    [{ repositories: [idle] }, 'nothing to do'],
    [{ cycleSinceMs: 1, repositories: [idle] }, 'checking wishlists and registries'],
    [
      { repositories: [], databaseFailure: failure },
      'nothing to do; nothing is recorded: it may not be written',
    ],
    [
      { repositories: [], refusedReload: { ...failure, sinceMs: 1 } },
      'nothing to do; a new configuration was refused',
    ],
    [
      {
        repositories: [
          { ...idle, publishing: ['a'], preparing: ['b', 'c'], waiting: 2, ready: 1 },
          { ...idle, publishing: ['d', 'e'] },
        ],
      },
      'publishing 3 images, fetching 2 images, waiting: 3 images',
    ],
  ];
  for (const [activity, text] of cases)
    it(`say "${text}" of ${activity.repositories.length} repositories`, () => {
      assert.equal(serviceStatusText(activity), text);
    });
});
