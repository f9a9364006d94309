import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { layerPath, layerRoot } from '../../publisher/image/layout.ts';
import { TestRegistry } from '../support/e2e/registry.ts';
import { BACKENDS, CLIENT_ROOT, REPOSITORY, Site } from '../support/e2e/site.ts';
import type { Image } from '../support/images/image.ts';
import { directory, file } from '../support/images/layer-entry.ts';
import { startableImage } from '../support/podman/images.ts';
import { neededFor, PODMANS, Podman, RUN } from '../support/podman/podman.ts';
import type { Session } from '../support/podman/session.ts';
import { describeWith } from '../support/programs.ts';

const RELEASE = '/usr/bin/busybox cat /etc/release';
const NOW = ['--grace-period', '0'];

/** What happens to an image while clients have containers of it, in this order. */
const EVENTS = [
  'its tag has moved',
  'its name was taken back',
  'it was marked',
  'it was collected within its grace period',
  'its name leads to the other image again',
] as const;

const Report = z.object({
  swept: z.array(z.string()),
  marked: z.array(z.string()),
  unmarked: z.array(z.string()),
});

/** Files that nobody reads before the event of the same number. */
function unread(text: string): Promise<Image> {
  const files = EVENTS.map((_, index) => file(`opt/${index}`, `${text}-${index}\n`));
  return startableImage(`${text}\n`, [[directory('opt'), ...files]]);
}

for (const kind of BACKENDS)
  for (const podmanKind of PODMANS)
    describeWith(
      neededFor(podmanKind),
      `e2e/held-containers: containers of images that go, backend ${kind}, ${podmanKind.title}`,
      () => {
        let registry: TestRegistry;
        let site: Site;
        let podman: Podman;
        let session: Session;
        let old: Image;
        let other: Image;

        beforeEach(async () => {
          registry = await TestRegistry.start();
          site = await Site.make(kind);
          [old, other] = [await unread('old'), await unread('new')];
          await publish(add('tool', old), add('always', await startableImage('always\n')));
          podman = await open();
          session = podman.session();
        });
        afterEach(async () => {
          await session.close();
          assert.deepEqual(site.fixture?.problems(REPOSITORY) ?? [], []);
          await registry.close();
          await site.close();
        });

        async function open(): Promise<Podman> {
          const client = `${CLIENT_ROOT}/${REPOSITORY}`;
          return await Podman.open(podmanKind, {
            published: site.published,
            client,
            stores: ['podmanStore'],
          });
        }

        const nameOf = (name: string): string => `${registry.host}/lab/${name}:1`;
        const add = (name: string, one: Image): string => registry.add(`lab/${name}`, '1', one);
        const always = (): string => `http://${nameOf('always')}`;

        async function publish(...wishes: readonly string[]): Promise<void> {
          const { status, stderr } = await site.convertHere(wishes);
          assert.equal(status, 0, stderr);
        }

        async function gc(...words: readonly string[]): Promise<z.infer<typeof Report>> {
          const { status, stdout, stderr } = await site.commandHere(['gc', REPOSITORY, '--json', ...words]);
          assert.equal(status, 0, stderr);
          return Report.parse(JSON.parse(stdout));
        }

        /** A CernVM-FS that is mounted anew is another file system: containers that run would end with the old one. */
        async function see(): Promise<void> {
          if (kind === 'directory') return;
          await session.close();
          session = podman.session();
        }

        /** Has containers of all kinds of the old image, and the two other ways in which clients hold one. */
        async function hold(): Promise<void> {
          const options = RUN.join(' ');
          await session.output(`set -e
            for name in stopped created; do podman create --name $name ${options} ${nameOf('tool')} ${RELEASE}; done
            podman start --attach stopped
            podman commit --quiet stopped own
            podman create --name derived ${options} own ${RELEASE}`);
          if (kind !== 'directory') return;
          const client = `${CLIENT_ROOT}/${REPOSITORY}`;
          // A newer mount(8) gives the kernel each option by itself, which takes 255 characters of it.
          const lower = old.layers.map(({ digest }) => `${client}/${layerRoot(digest)}`).toReversed();
          await session.output(`set -e
            podman run --detach --name running ${options} ${nameOf('tool')} /usr/bin/busybox sleep 1000
            mkdir ${CLIENT_ROOT}/layers ${CLIENT_ROOT}/flat
            LIBMOUNT_FORCE_MOUNT2=always mount -t overlay -o ro,lowerdir=${lower.join(':')} overlay ${CLIENT_ROOT}/layers
            mount --bind ${client}/${nameOf('tool')} ${CLIENT_ROOT}/flat`);
        }

        /** All that is held works, and reads a file for the first time. */
        async function checkHeld(number: number): Promise<void> {
          const options = RUN.join(' ');
          const found = await session.output(`set -e
            for name in stopped derived; do podman start --attach $name; done
            podman run --rm ${options} own ${RELEASE}
            podman run --rm ${options} own /usr/bin/busybox cat /opt/${number}
            podman image inspect own >/dev/null
            podman commit --quiet stopped again-${number} >/dev/null
            podman run --rm ${options} again-${number} ${RELEASE}`);
          assert.deepEqual(found.split('\n'), ['old', 'old', 'old', `old-${number}`, 'old']);
          if (kind !== 'directory') return;
          const held = await session.output(`set -e
            podman exec running /usr/bin/busybox cat /opt/${number}
            cat ${CLIENT_ROOT}/layers/opt/${number} ${CLIENT_ROOT}/flat/opt/${number}`);
          assert.deepEqual(
            held.split('\n'),
            [1, 2, 3].map(() => `old-${number}`),
          );
        }

        /** What does not need the old image works, whoever still has containers of it. */
        async function checkOthers(): Promise<void> {
          const options = RUN.join(' ');
          const found = await session.output(`set -e
            for name in tool always; do podman run --rm ${options} ${registry.host}/lab/$name:1; done
            podman ps --all --quiet >/dev/null
            podman info >/dev/null
            podman run --rm ${options} ${registry.host}/lab/tool:1 /usr/bin/busybox cat /opt/0`);
          assert.deepEqual(found.split('\n'), ['new', 'always', 'new-0']);
        }

        /** The store is as it should be to anybody who looks: with what is published, and no more. */
        async function checkStore(looking: Session): Promise<void> {
          await looking.output('podman system df');
          const names = await looking.output(`podman images --format '{{.Repository}}:{{.Tag}}'`);
          assert.deepEqual(names.split('\n').toSorted(), [nameOf('always'), nameOf('tool')]);
        }

        const HAPPEN: Readonly<Record<(typeof EVENTS)[number], () => Promise<void>>> = {
          'its tag has moved': async () => {
            await publish(add('tool', other), always());
          },
          'its name was taken back': async () => {
            await publish(always());
            const { status, stderr } = await site.commandHere(['remove', nameOf('tool')]);
            assert.equal(status, 0, stderr);
          },
          'it was marked': async () => {
            const { marked, swept } = await gc();
            assert.ok(marked.length > 0);
            assert.deepEqual(swept, []);
          },
          'it was collected within its grace period': async () => {
            assert.deepEqual((await gc()).swept, []);
          },
          'its name leads to the other image again': async () => {
            await publish(`http://${nameOf('tool')}`, always());
          },
        };

        it('work until the grace period is over, and then harm no others', async () => {
          await hold();
          for (const [number, event] of EVENTS.entries()) {
            await HAPPEN[event]();
            await see();
            await checkHeld(number).catch((error: unknown) => {
              throw new Error(`when ${event}`, { cause: error });
            });
          }
          await checkOthers();
          assert.ok((await gc(...NOW)).swept.length > 0);
          const own = old.layers.slice(1).map(({ digest }) => existsSync(site.path(layerPath(digest))));
          assert.deepEqual(own, [false, false]);
          await see();
          await checkOthers();
          assert.notEqual((await session.run('podman start --attach stopped')).status, 0);
          await session.output('podman rm --all --force --time 0');
          // Podman names each image of the client's own that has nothing below it any more, and lists none until it goes.
          await session.output('podman rmi --force own $(seq --format again-%g 0 4)');
          await checkOthers();
          await checkStore(session);
          const newcomer = (await open()).session();
          try {
            await checkStore(newcomer);
          } finally {
            await newcomer.close();
          }
          const { status, stdout } = await site.commandHere(['verify', REPOSITORY]);
          assert.equal(status, 0, stdout);
        });

        it('work on where the tag moves back within the grace period', async () => {
          await hold();
          await publish(add('tool', other), always());
          const { marked } = await gc();
          await publish(add('tool', old), always());
          const marks = readFileSync(site.path('.unpackd/unreferenced.json'), 'utf8');
          for (const { digest } of old.layers.slice(1))
            assert.ok(
              marked.includes(`layers/${digest.slice(7)}`) && !marks.includes(digest.slice(7)),
              digest,
            );
          const { swept } = await gc(...NOW);
          assert.ok(swept.length > 0);
          await see();
          await checkHeld(0);
          assert.equal(await podman.inContainer(nameOf('tool')), 'old\n');
        });
      },
    );
