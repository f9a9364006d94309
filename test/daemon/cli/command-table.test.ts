import assert from 'node:assert/strict';
import { commandsFor } from '../../../daemon/cli/command-table.ts';

describe('the table of commands', () => {
  it('has each by the name that it gives itself, with the commands of its group alone', async () => {
    for (const { name } of await commandsFor([])) {
      const [word = ''] = name.split(' ');
      const names = (await commandsFor([word, 'more'])).map((command) => command.name);
      assert.ok(names.includes(name), name);
      assert.deepEqual(names, name === word ? [word] : names.filter((one) => one.startsWith(`${word} `)));
    }
  });

  for (const [what, argv] of [
    ['an option in front', ['--state', '/x', 'convert']],
    ['a word that is none of them', ['convret']],
  ] as const)
    it(`has all for ${what}`, async () => {
      assert.deepEqual(await commandsFor(argv), await commandsFor([]));
    });
});
