#!/usr/bin/env node
import { appendCall } from './calls.ts';
import { Died, complain, say } from './died.ts';
import { collectGarbage } from './gc.ts';
import { ingest } from './ingest.ts';
import { layoutBelow, repositoryPaths } from './layout.ts';
import type { Layout } from './layout.ts';
import { check, list, listCatalogs, tag } from './report.ts';
import { readManifest, repositoryExists } from './repository.ts';
import { abort, publishUnion, transaction } from './union.ts';
import { release } from './version.ts';

/**
 * A double of `cvmfs_server` 2.12 on plain directories, everything below the directory that UNPACKD_DOUBLE_ROOT names.
 * It does what the real one was seen to do; the tests beside it run on both. Where it stands for 2.14, it does what is
 * written in the sources of that.
 */
const COMMANDS: Readonly<Record<string, (layout: Layout, words: readonly string[]) => Promise<void> | void>> =
  {
    abort,
    check,
    gc: collectGarbage,
    ingest,
    list,
    'list-catalogs': listCatalogs,
    publish: publishUnion,
    tag,
    transaction,
  };
/** What the real one exits with after it showed its usage. */
const USAGE = 3;

const top = process.env['UNPACKD_DOUBLE_ROOT'];
if (top === undefined) throw new Error('UNPACKD_DOUBLE_ROOT must name the directory of the double');
const [command = '', ...words] = process.argv.slice(2);
// Standard input may still be open, and would keep the process.
process.exit(await run(layoutBelow(top), command, words));

async function run(layout: Layout, name: string, rest: readonly string[]): Promise<number> {
  const id = `${process.pid}-${Date.now()}`;
  const repository = rest.at(-1)?.split('/')[0] ?? '';
  appendCall(layout, {
    id,
    event: 'start',
    command: name,
    arguments: rest,
    repository,
    ...revision(layout, repository),
  });
  const exitCode = await perform(layout, name, rest);
  appendCall(layout, { id, event: 'end', exitCode, ...revision(layout, repository) });
  return exitCode;
}

async function perform(layout: Layout, name: string, rest: readonly string[]): Promise<number> {
  try {
    const action = COMMANDS[name];
    if (action === undefined) {
      say(`CernVM-FS Server Tool ${release()}.0-1\n\nUsage: cvmfs_server COMMAND [options] <parameters>\n`);
      say(`NOTE: Unrecognized command: ${name}`);
      throw new Died('', USAGE);
    }
    await action(layout, rest);
    return 0;
  } catch (error) {
    if (!(error instanceof Died)) throw error;
    if (error.message !== '') complain(error.message);
    return error.exitCode;
  }
}

function revision(layout: Layout, repository: string): { revision?: number } {
  const paths = repositoryPaths(layout, repository);
  return repositoryExists(paths) ? { revision: readManifest(paths).revision } : {};
}
