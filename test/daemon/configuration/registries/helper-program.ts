import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { temporaryDirectory } from '../../../support/setup.ts';

/** A folder in front of the PATH, with helpers that are shell scripts. */
export class HelperPrograms {
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.environment = {
      PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`,
      FOLDER: folder,
    };
  }

  static async create(): Promise<HelperPrograms> {
    const folder = await temporaryDirectory('helper');
    await mkdir(join(folder, 'bin'));
    return new HelperPrograms(folder);
  }

  /** Adds `docker-credential-NAME`. It is started with its folder as `$FOLDER`. */
  async add(name: string, script: string, mode = 0o755): Promise<void> {
    await writeFile(join(this.folder, 'bin', `docker-credential-${name}`), `#!/bin/sh\n${script}\n`, {
      mode,
    });
  }

  path(name: string): string {
    return join(this.folder, name);
  }
}

/** A script's line that answers as helpers do. */
export function answer(user: string, secret: string): string {
  return `printf '%s\\n' '${JSON.stringify({ ServerURL: 'x', Username: user, Secret: secret })}'`;
}
