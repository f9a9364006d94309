import assert from 'node:assert/strict';
import { Gate } from '../../../daemon/cycle/gate.ts';

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

describe('the gate of work on images', () => {
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
