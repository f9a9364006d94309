import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { needs } from './programs.ts';

/** An entry of the journal, by the names of its fields. */
export type JournalEntry = Readonly<Record<string, string>>;

/**
 * A journal of its own in namespaces for mounts and processes, which end with it. What `"$@"` writes to standard error leads to
 * it as systemd arranges it for a service; with STREAM_ONLY set, nothing but that.
 */
const WITH_JOURNAL = `
set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
mkdir -p /run/systemd/journald.conf.d /run/systemd/journal
printf '[Journal]\\nStorage=volatile\\nAudit=no\\nReadKMsg=no\\n' > /run/systemd/journald.conf.d/test.conf
echo 0123456789abcdef0123456789abcdef > /run/machine-id
[ ! -e /etc/machine-id ] || mount --bind /run/machine-id /etc/machine-id
/lib/systemd/systemd-journald 2>/dev/null &
until [ -S /run/systemd/journal/stdout ] && [ -S /run/systemd/journal/socket ]; do sleep 0.05; done
[ -z "$STREAM_ONLY" ] || rm /run/systemd/journal/socket
systemd-cat -t service sh -c '
  JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2)
  export JOURNAL_STREAM
  exec "$@"
' sh "$@"
journalctl --sync
SYSTEMD_COLORS=no journalctl -o json --all --no-pager
`;

/** Skips a test where {@link journalOf} cannot run. */
export function needsJournal(context: Mocha.Context): void {
  needs(context, 'root', 'mounts', 'systemd-cat', 'journalctl');
}

/** What a real journal holds after the program `words` has run as a service of it, but for the journal's own entries. */
export async function journalOf(
  words: readonly string[],
  { streamOnly = false } = {},
): Promise<JournalEntry[]> {
  const { stdout } = await promisify(execFile)(
    'unshare',
    [
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      'bash',
      '-c',
      WITH_JOURNAL,
      'bash',
      ...words,
    ],
    {
      env: { ...process.env, STREAM_ONLY: streamOnly ? 'yes' : '' },
      maxBuffer: 64 * 1024 * 1024,
      timeout: 300_000,
    },
  );
  const entries = stdout
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as JournalEntry]));
  return entries.filter(({ SYSLOG_IDENTIFIER: identifier }) => identifier !== 'systemd-journald');
}
