import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { COMMANDS } from '../../../../daemon/cli/commands.ts';
import type { Machine } from '../../../../daemon/configuration/settings.ts';
import { runUnpackd } from '../../../../daemon/cli/run.ts';
import { temporaryDirectory } from '../../../support/setup.ts';
import { capture } from '../../cli/capture.ts';

export interface Inspection {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of standard error. */
  readonly lines: readonly string[];
}

/** A folder with a configuration file, for the two commands about the configuration. */
export class Scene {
  readonly folder: string;
  readonly config: string;
  #text = '';

  private constructor(folder: string) {
    this.folder = folder;
    this.config = join(folder, 'unpackd.yaml');
  }

  static async make(): Promise<Scene> {
    return new Scene(await temporaryDirectory('inspection'));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async write(name: string, text: string, mode = 0o600): Promise<string> {
    await writeFile(this.path(name), text, { mode });
    return this.path(name);
  }

  /**
   * Runs `unpackd` with `words`, with the file `text` as the usual one. A check has a backend that was chosen, so that no
   * CernVM-FS of this machine is part of what it finds.
   */
  async run(
    words: readonly string[],
    { text, environment = {} }: { text?: string; environment?: Readonly<Record<string, string>> } = {},
  ): Promise<Inspection> {
    if (text !== undefined) await writeFile(this.config, text);
    this.#text = text ?? this.#text;
    const isChosen = words[1] !== 'check' || /backend/.test(this.#text);
    const stdout = capture();
    const stderr = capture();
    const machine: Machine = {
      home: this.path('home'),
      superuser: false,
      workingDirectory: this.folder,
      configurationFile: this.config,
    };
    const { signal } = new AbortController();
    const surroundings = { version: 'test', environment, stdout, stderr, signal, machine };
    const status = await runUnpackd(
      isChosen ? words : [...words, '--backend', 'directory'],
      COMMANDS,
      surroundings,
    );
    const lines = stderr.text().split('\n').slice(0, -1);
    return { status, stdout: stdout.text(), stderr: stderr.text(), lines };
  }
}
