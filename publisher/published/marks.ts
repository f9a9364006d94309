import { z } from 'zod';
import { parseIfValid } from '../../core/json.ts';
import { OWN_FOLDERS } from '../../core/outputs.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { metadataFile, publisherAttributes, type Attributes, type FileEntry } from '../publication/entry.ts';
import type { RepositoryView } from '../publication/view.ts';

/** Since when nothing refers to a tree, or to another part of the repository. */
export interface Mark {
  /** Milliseconds since 1970. */
  readonly since: number;
  /** The repository's, by which that was found out; `null` where it does not count. */
  readonly revision: number | null;
}

/** What nothing refers to, as the last collection found it. */
export interface Marks {
  /** The time of that collection, in milliseconds since 1970. */
  readonly at: number;
  readonly revision: number | null;
  /** By name: of a tree as `treeName` gives it, of another part as its output names it. */
  readonly trees: ReadonlyMap<string, Mark>;
}

/** The file of the marks. */
export const MARKS_PATH: BytePath = `${OWN_FOLDERS.records}/unreferenced.json`;

const FORMAT = 1;

const Time = z.iso.datetime().transform((text) => Date.parse(text));
const Revision = z.int().nonnegative().nullable();
const MarkSchema = z.strictObject({ since: Time, revision: Revision });
const MarksSchema = z.strictObject({
  format: z.literal(FORMAT),
  at: Time,
  revision: Revision,
  trees: z.custom<Readonly<Record<string, unknown>>>((value) => typeof value === 'object' && value !== null),
});

const NAME = /^[a-z]+(?::.+)?\/[0-9a-f]{64}$/s;

/**
 * The published marks.
 *
 * @returns `absent` where there are none, `unreadable` for anything but a file of this format
 */
export async function readMarks(view: RepositoryView): Promise<Marks | 'absent' | 'unreadable'> {
  const kind = await view.kindOf(MARKS_PATH);
  if (kind === undefined) return 'absent';
  const found = kind === 'file' ? parseIfValid(MarksSchema, await view.read(MARKS_PATH)) : undefined;
  const trees = found && marksIn(found.trees);
  return found === undefined || trees === undefined
    ? 'unreadable'
    : { at: found.at, revision: found.revision, trees };
}

/** One after the other, since there are tens of thousands after a large removal. */
function marksIn(document: Readonly<Record<string, unknown>>): Map<string, Mark> | undefined {
  const marks = new Map<string, Mark>();
  for (const name of Object.keys(document)) {
    const mark = NAME.test(name) ? MarkSchema.safeParse(document[name]).data : undefined;
    if (mark === undefined) return undefined;
    marks.set(name, mark);
  }
  return marks;
}

/** Lines that become bytes together: few enough for their text to be short-lived. */
const LINES_AT_A_TIME = 256;

/** The file of `marks`: one a line, in the order of their names. */
export function marksFile({ at, revision, trees }: Marks, attributes: Attributes): FileEntry {
  const parts: Buffer[] = [];
  let text = `{"format":${FORMAT},"at":${timeOf(at)},"revision":${revision},"trees":{\n`;
  let lines = 0;
  for (const name of [...trees.keys()].sort()) {
    const { since, revision: by } = trees.get(name) ?? { since: at, revision };
    const comma = lines === 0 ? '' : ',\n';
    text += `${comma}${JSON.stringify(name)}:{"since":${timeOf(since)},"revision":${by}}`;
    if (++lines % LINES_AT_A_TIME !== 0) continue;
    parts.push(Buffer.from(text));
    text = '';
  }
  parts.push(Buffer.from(`${text}\n}}\n`));
  return metadataFile(MARKS_PATH, Buffer.concat(parts), attributes);
}

/**
 * The file of the published marks without those of `names`: whatever a publication refers to again loses its mark with it,
 * so that its time begins anew where it is left again.
 *
 * @returns `undefined` where none of them is marked, or nobody can tell: marks that cannot be read count for nothing
 */
export async function unmarked(
  view: RepositoryView,
  names: Iterable<string>,
  attributes: Attributes = publisherAttributes(),
): Promise<FileEntry | undefined> {
  const marks = await readMarks(view);
  if (typeof marks === 'string') return undefined;
  const left = new Map(marks.trees);
  for (const name of names) left.delete(name);
  return left.size === marks.trees.size ? undefined : marksFile({ ...marks, trees: left }, attributes);
}

function timeOf(ms: number): string {
  return JSON.stringify(new Date(ms).toISOString());
}
