import assert from 'node:assert/strict';
import type { Command } from '../../../daemon/cli/command.ts';
import { COMMANDS } from '../../../daemon/cli/commands.ts';

/** For tests that replace the work of a command. */
export function commandNamed(name: string): Command {
  const command = COMMANDS.find((one) => one.name === name);
  assert.ok(command !== undefined && 'run' in command, name);
  return command;
}
