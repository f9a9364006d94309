import type { Failure } from '../../core/failure.ts';
import { quoted } from '../../core/text.ts';
import { span } from '../output/format.ts';
import type { DaemonActivity } from '../service/control-client.ts';
import { databaseFiles, databasePath, ownerOf, userName } from '../state/state-files.ts';
import type { FailureNote } from '../state/state.ts';

interface Circumstances {
  readonly nowMs: number;
  /** A word where nothing is known of what it does. */
  readonly daemon: DaemonActivity | string;
  /** Where the state is. */
  readonly directory: string;
  readonly configurationFailure: Failure | undefined;
}

/** What is wrong with the configuration, or with what is remembered: all else that is shown may be out of date. */
export function troublesOf({ directory, daemon, nowMs, configurationFailure }: Circumstances): FailureNote[] {
  const { databaseFailure = strangeDatabase(directory), refusedReload } =
    typeof daemon === 'string' ? {} : daemon;
  return [
    ...(configurationFailure === undefined
      ? []
      : [saying('the configuration file is wrong', configurationFailure)]),
    ...(refusedReload === undefined
      ? []
      : [
          saying(
            `the daemon refused a new configuration ${span(nowMs - refusedReload.sinceMs)} ago, the old one is in force`,
            refusedReload,
          ),
        ]),
    ...(databaseFailure === undefined
      ? []
      : [saying('nothing is remembered of what happens', databaseFailure)]),
  ];
}

function saying(
  what: string,
  { code, message, hint }: Omit<FailureNote, 'hint'> & { readonly hint?: string | undefined },
): FailureNote {
  return { code, message: `${what}: ${message}`, hint };
}

/** A database that another user made is closed to the daemon, who owns the directory. */
function strangeDatabase(directory: string): FailureNote | undefined {
  const owner = ownerOf(directory);
  if (owner === undefined || owner.uid === 0) return undefined;
  const database = databasePath(directory);
  const strange = databaseFiles(database).find((file) => (ownerOf(file) ?? owner).uid !== owner.uid);
  if (strange === undefined) return undefined;
  const name = userName(owner.uid) ?? String(owner.uid);
  return {
    code: 'state-unusable',
    message: `${quoted(strange)} does not belong to ${name}, who owns the state directory`,
    hint: `"chown ${name} ${database}*" gives it to ${name}`,
  };
}
