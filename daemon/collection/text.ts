import { counted, localTime, printable } from '../../core/text.ts';
import type { Finding, Unreferenced } from '../../publisher/collection/report.ts';
import { firstDue, type Collected, type Storage } from './collector.ts';

/** Entries shown of each kind; the rest is counted. */
const SHOWN = 20;

/** A collection as a command reports it. */
export interface CollectionSummary extends Collected {
  readonly repository: string;
  readonly isDryRun: boolean;
}

const STORAGE: Readonly<Record<Storage, string>> = {
  freed: 'the server has freed the storage of what no revision that it keeps has any more',
  'not-allowed':
    'the repository keeps no revisions whose storage could be freed, or server.conf does not allow it',
  kept: '',
  failed: 'the server has not freed the storage',
};

/** The collection for people: a line for each tree, up to a number of each kind. */
export function collectionText(summary: CollectionSummary): string {
  const { report, isDryRun, storage } = summary;
  const { swept, marked, unmarked, waiting, notOurs, blocked } = report;
  const marks = new Set(marked);
  const lines = [
    headline(summary),
    ...listed(isDryRun ? 'goes' : 'gone', swept),
    ...listed(isDryRun ? 'new' : 'marked', marked),
    ...listed('used again', unmarked),
    ...listed('waiting', waiting.filter(({ name }) => !marks.has(name)).map(waitingText)),
    ...listed('not ours', notOurs.map(findingText)),
    ...listed('held', blocked.map(findingText)),
    ...(blocked.length === 0 ? [] : [REMEDY]),
    ...(storage === 'kept' ? [] : [STORAGE[storage]]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

const REMEDY =
  'what is held stays, with all that it may refer to: mend it, or where it is the clock, and that is right, say --yes-really';

function headline({ repository, isDryRun, report }: CollectionSummary): string {
  const { swept, waiting } = report;
  const dueMs = firstDue(report);
  const first = dueMs === undefined ? '' : `, the first until ${localTime(dueMs)}`;
  const gone = isDryRun ? 'would be taken away' : 'taken away';
  const rest = waiting.length === 0 ? 'none waits' : `${waiting.length} wait${first}`;
  return `${repository}: ${counted(swept.length, 'tree')} ${gone}; ${rest}`;
}

function waitingText({ name, due }: Unreferenced): string {
  return `${name}, until ${localTime(due)}`;
}

function findingText({ path, why }: Finding): string {
  return `${path}: ${why}`;
}

function listed(title: string, items: readonly string[]): string[] {
  const shown = items.slice(0, SHOWN).map((item) => `  ${title.padEnd(10)} ${printable(item)}`);
  return items.length <= SHOWN ? shown : [...shown, `  and ${items.length - SHOWN} more: see --json`];
}

/** All of it, for programs. */
export function collectionDocument(summary: CollectionSummary, problems: readonly unknown[]): object {
  const { repository, isDryRun, report, storage } = summary;
  const { waiting, ...lists } = report;
  return {
    repository,
    dryRun: isDryRun,
    ...lists,
    waiting: waiting.map(({ name, since, due }) => ({ name, since: iso(since), due: iso(due) })),
    storage,
    problems,
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
