import assert from 'node:assert/strict';
import { InFlight } from '../../../daemon/cycle/in-flight.ts';
import type { UnderWay } from '../../../daemon/state/state.ts';
import type { GuardedImage } from '../../../publisher/pipeline/context.ts';
import { Failure } from '../../../core/failure.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import { Gate } from '../../../daemon/cycle/in-flight.ts';

const REPOSITORY = 'images.unpackd.test';

function subject(name: string): GuardedImage {
  const reference = parseReference(`quay.io/lab/${name}:1`);
  const wanted = { reference, publicName: name, outputs: undefined, platforms: undefined, isNamed: true };
  return { wanted, digest: undefined };
}

describe('daemon/cycle/in-flight: what is in flight', () => {
  let written: string[];
  let failure: Failure | undefined;
  let letWrite: () => void;
  let inFlight: InFlight;
  beforeEach(() => {
    written = [];
    failure = undefined;
    letWrite = () => undefined;
    const names = (rows: readonly UnderWay[]): string => rows.map(({ publicName }) => publicName).join();
    const store = {
      get failure() {
        return failure;
      },
      underWay: async (_: unknown, begun: readonly UnderWay[], ended: readonly UnderWay[]) => {
        written.push(`+${names(begun)} -${names(ended)}`);
        await new Promise<void>((resolve) => (letWrite = resolve));
      },
      endRun: async () => void written.push('end'),
    };
    inFlight = new InFlight({ store, spool: '/spool', nowMs: () => 0 });
  });

  const settled = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

  it('is written down before it begins, many at a time', async () => {
    const begun: string[] = [];
    const guard = inFlight.guard(REPOSITORY);
    const start = async (...names: readonly string[]): Promise<void> => {
      for (const name of names)
        works.push(guard.during('looking', [subject(name)], async () => void begun.push(name)));
      await settled();
    };
    const works: Promise<void>[] = [];
    await start('a');
    await start('b');
    await start('c');
    assert.deepEqual([begun, written], [[], ['+a -']]);
    letWrite();
    await settled();
    assert.deepEqual([begun, written], [['a'], ['+a -', '+b,c -']]);
    letWrite();
    await settled();
    assert.deepEqual(
      [begun, written],
      [
        ['a', 'b', 'c'],
        ['+a -', '+b,c -', '+ -a'],
      ],
    );
    letWrite();
    await settled();
    letWrite();
    await Promise.all(works);
    assert.equal(written.at(-1), '+ -b,c');
  });

  it('holds nothing up where it cannot be written down', async () => {
    failure = new Failure('state-unusable', 'locked');
    const work = async (): Promise<number> => 1;
    assert.equal(await inFlight.guard(REPOSITORY).during('looking', [subject('a')], work), 1);
    assert.deepEqual(written, []);
  });

  it('is not to blame for anything once the process is to end', async () => {
    await inFlight.end();
    await inFlight.guard(REPOSITORY).during('looking', [subject('a')], async () => undefined);
    assert.deepEqual(written, ['end']);
  });

  it('is beside nothing else where it is suspected', async () => {
    const guard = inFlight.guard(REPOSITORY);
    const acquit = inFlight.suspect(REPOSITORY, 'bad');
    const order: string[] = [];
    let end = (): void => undefined;
    const first = guard.turn(
      [subject('a')],
      async () => await new Promise<void>((resolve) => (end = resolve)),
    );
    const trial = inFlight.alone(async () => {
      order.push('alone');
      await guard.turn([subject('bad')], async () => void order.push('bad'));
    });
    await settled();
    assert.deepEqual(order, []);
    end();
    await Promise.all([first, trial]);
    assert.deepEqual(order, ['alone', 'bad']);
    acquit();
  });
});

const MINUTE_MS = 60_000;

/** A gate with a clock of the test's own, and what it has let in. */
class Scene {
  nowMs = 0;
  readonly inside: string[] = [];
  readonly gate = new Gate({ nowMs: () => this.nowMs });
  readonly #leaves = new Map<string, () => void>();

  /** Names of those that want to be alone begin with `!`. */
  async enter(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      void this.#enter(name);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }

  async #enter(name: string): Promise<void> {
    const leave = await this.gate.enter(name.startsWith('!'));
    this.inside.push(name);
    this.#leaves.set(name, leave);
  }

  async leave(name: string): Promise<void> {
    this.#leaves.get(name)?.();
    this.inside.splice(this.inside.indexOf(name), 1);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('daemon/cycle/in-flight: the gate of work on images', () => {
  let scene: Scene;
  beforeEach(() => {
    scene = new Scene();
  });

  it('lets in together what does not mind, and one alone when nothing else is under way', async () => {
    await scene.enter('a', 'b', '!x', '!y', 'c');
    assert.deepEqual(scene.inside, ['a', 'b', 'c']);
    for (const name of ['a', 'b']) await scene.leave(name);
    assert.deepEqual(scene.inside, ['c']);
    await scene.leave('c');
    assert.deepEqual(scene.inside, ['!x']);
    await scene.enter('d');
    assert.deepEqual(scene.inside, ['!x']);
    await scene.leave('!x');
    assert.deepEqual(scene.inside, ['!y']);
    await scene.leave('!y');
    assert.deepEqual(scene.inside, ['d']);
  });

  it('lets others in again beside one that takes too long', async () => {
    await scene.enter('!x');
    scene.nowMs += 14 * MINUTE_MS;
    await scene.enter('a');
    assert.deepEqual(scene.inside, ['!x']);
    scene.nowMs += MINUTE_MS;
    await scene.enter('b');
    assert.deepEqual(scene.inside, ['!x', 'a', 'b']);
  });

  it('lets nothing new in before one that has waited for too long', async () => {
    await scene.enter('a', '!x');
    scene.nowMs += 60 * MINUTE_MS;
    await scene.enter('b');
    assert.deepEqual(scene.inside, ['a']);
    await scene.leave('a');
    assert.deepEqual(scene.inside, ['!x']);
  });
});
