import { OWN_FOLDERS } from '../../core/outputs.ts';
import type { BytePath } from '../../core/system/byte-path.ts';
import { treeName, type TreeName } from '../outputs/output.ts';
import { OUTPUTS } from '../outputs/outputs.ts';
import type { OutputParts, PartsSweep } from '../outputs/parts.ts';
import { MARKS_PATH, marksFile, readMarks, type Mark, type Marks } from '../published/marks.ts';
import { EMPTY_PUBLICATION, type DeletionRoom, type Publication } from '../publication/backend.ts';
import { publisherAttributes, type Entry } from '../publication/entry.ts';
import type { RepositoryView } from '../publication/view.ts';
import { recordPath, treePath } from '../image/layout.ts';
import { age, clockDoubt, isOld, type Aged } from './aging.ts';
import { Inventory } from './inventory.ts';
import { References, type Place } from './references.ts';
import { RemovedImages } from './removed.ts';
import type { CollectionOptions, CollectionReport, Finding } from './report.ts';
import { pathsOf, Room, Strangers, withEmptied } from './sweep.ts';

/** What one publication of a collection does. */
export interface Step extends Omit<CollectionReport, 'publications'> {
  /** There is something to do. */
  readonly isNeeded: boolean;
  /** There is more to do after it. */
  readonly isMore: boolean;
}

export interface PlannedStep {
  readonly step: Step;
  /** `undefined`: there is nothing to do. Large: not to be kept with what is reported. */
  readonly publication: Publication | undefined;
}

/** A repository as it is now. */
export interface CollectedPlace extends Place {
  readonly revision: number | undefined;
  /** Of the publication that is composed; `undefined`: none is. */
  readonly room?: DeletionRoom;
}

/** What is there, and what of it is referred to. */
interface Survey {
  readonly references: References;
  readonly parts: readonly OutputParts[];
  readonly inventory: Inventory;
  readonly removed: RemovedImages;
}

/** Decides what the next publication of a collection marks, and what it takes away. */
export async function planStep(place: CollectedPlace, options: CollectionOptions): Promise<PlannedStep> {
  const { view } = place;
  const survey = await surveyOf(place);
  const { references, parts, inventory } = survey;
  const marks = await readMarks(view);
  const before = typeof marks === 'string' ? undefined : marks;
  const doubts = [...references.blocked, ...doubtsOf(marks, options), ...(await foldersInDoubt(view))];
  const kept = [...references.kept, ...parts.flatMap((one) => one.kept)];
  // A repository into which nothing was published yet has no metadata either.
  if (isBare(survey, marks)) return nothing(kept, survey);
  if (doubts.length > 0) return nothing([...doubts, ...kept], survey);
  const trees = new Map(
    inventory.recorded.filter((tree) => !references.has(tree)).map((tree) => [treeName(tree), tree]),
  );
  const aged = age(namesOf(trees, parts), before, { ...options, revision: place.revision });
  const swept = await sweep({ ...survey, view, trees, aged, room: new Room(options, place.room) }, options);
  const left = new Map(aged.marks);
  for (const name of swept.names) left.delete(name);
  const written = await marksToWrite(place, { left, before, aged, swept: swept.names }, options);
  const publication = publicationOf(
    [...written.entries, ...swept.entries],
    [...written.outdated, ...swept.outdated],
  );
  const step = {
    isNeeded: publication !== undefined,
    isMore: swept.isShort,
    marked: aged.fresh,
    unmarked: aged.lifted,
    swept: swept.names,
    waiting: Array.from(left, ([name, { since }]) => ({ name, since, due: since + options.graceMs })),
    notOurs: [...foreignOf(survey), ...swept.strangers],
    blocked: kept,
  };
  return { step, publication };
}

function isBare({ inventory, parts }: Survey, marks: Marks | 'absent' | 'unreadable'): boolean {
  const isUnreferenced = parts.some(({ unreferenced }) => unreferenced.size > 0);
  return inventory.recorded.length === 0 && !isUnreferenced && marks === 'absent';
}

/** Everything that nothing refers to. */
function* namesOf(trees: ReadonlyMap<string, TreeName>, parts: readonly OutputParts[]): Generator<string> {
  yield* trees.keys();
  for (const { unreferenced } of parts) yield* unreferenced.keys();
}

async function surveyOf(place: CollectedPlace): Promise<Survey> {
  const { view } = place;
  const references = await References.of(place);
  const parts: OutputParts[] = [];
  for (const output of OUTPUTS) {
    const namesWith = (file: string): readonly string[] => references.namesWith(file);
    const found = await output.parts?.({ view, namesWith, linkTargets: references.linkTargets });
    if (found !== undefined) parts.push(found);
  }
  for (const one of parts) {
    references.add(one.references);
    references.addWhole(one.whole);
  }
  const inventory = await Inventory.of(view, OUTPUTS);
  return { references, parts, inventory, removed: await RemovedImages.of(view) };
}

function doubtsOf(marks: Marks | 'absent' | 'unreadable', options: CollectionOptions): Finding[] {
  if (marks === 'unreadable')
    return [
      { path: MARKS_PATH, why: 'it cannot be read, or is of another version: delete it to begin anew' },
    ];
  const doubt = clockDoubt(marks === 'absent' ? undefined : marks, options);
  return doubt === undefined ? [] : [{ path: MARKS_PATH, why: doubt }];
}

/** Records behind a link would be looked for, and changed, somewhere else. */
async function foldersInDoubt(view: RepositoryView): Promise<Finding[]> {
  const kind = await view.kindOf(OWN_FOLDERS.records);
  return kind === undefined || kind === 'directory'
    ? []
    : [{ path: OWN_FOLDERS.records, why: 'it is no folder' }];
}

function nothing(blocked: readonly Finding[], survey: Survey): PlannedStep {
  const step = {
    isNeeded: false,
    isMore: false,
    marked: [],
    unmarked: [],
    swept: [],
    waiting: [],
    notOurs: foreignOf(survey),
    blocked,
  };
  return { step, publication: undefined };
}

function foreignOf({ references, inventory, parts, removed }: Survey): Finding[] {
  const unrecorded = inventory.unrecorded.filter((tree) => !references.has(tree));
  return [
    ...inventory.foreign,
    ...unrecorded.map((tree) => ({
      path: pathsOf(tree).at(-1) ?? '',
      why: 'nothing refers to this tree, and unpackd has no record of it',
    })),
    ...parts.flatMap(({ foreign }) => foreign),
    ...removed.unreadable,
  ];
}

interface Sweeping extends Survey {
  readonly view: RepositoryView;
  /** Trees that nothing refers to, by name. */
  readonly trees: ReadonlyMap<string, TreeName>;
  readonly aged: Aged;
  readonly room: Room;
}

interface Swept {
  readonly names: readonly string[];
  readonly entries: readonly Entry[];
  readonly outdated: readonly BytePath[];
  readonly strangers: readonly Finding[];
  readonly isShort: boolean;
}

/** Takes away as much of what is due as one publication may. */
async function sweep(sweeping: Sweeping, options: CollectionOptions): Promise<Swept> {
  const { view, trees, aged, parts, inventory, removed, room } = sweeping;
  const ofParts: PartsSweep[] = [];
  for (const one of parts)
    ofParts.push(
      await one.sweep(aged.due, { take: (paths) => room.take(paths), attributes: publisherAttributes() }),
    );
  const names = new Set(ofParts.flatMap(({ swept }) => swept));
  const outdated: BytePath[] = [];
  const strangers: Finding[] = ofParts.flatMap((one) => one.strangers);
  const held = heldTrees(parts, names);
  const foreign = new Strangers(view, OUTPUTS);
  for (const [name, tree] of trees) {
    if (room.isShort) break;
    if (!aged.due.has(name) || held.has(name)) continue;
    const stranger = await foreign.in(tree);
    if (stranger !== undefined) strangers.push(stranger);
    else if (room.take(pathsOf(tree))) {
      names.add(name);
      for (const path of pathsOf(tree)) outdated.push(path);
    }
  }
  const waiting = { has: (name: string): boolean => trees.has(name) && !names.has(name) };
  for (const path of [...(await orphansOf(inventory, view)), ...removed.outdated(waiting, options)])
    if (room.take([path])) outdated.push(path);
  return {
    names: [...names],
    entries: ofParts.flatMap((one) => one.names),
    outdated: [
      ...ofParts.flatMap((one) => one.outdated),
      ...withEmptied(outdated, new Map([...inventory.entries, ...removed.entries])),
    ],
    strangers,
    isShort: room.isShort,
  };
}

/** Records whose trees are gone. They are looked at again, since a mount may have been made anew in the meantime. */
async function orphansOf({ orphans }: Inventory, view: RepositoryView): Promise<BytePath[]> {
  const found: BytePath[] = [];
  for (const { kind, hex } of orphans) {
    const path = recordPath(kind, hex);
    const hasRecord = async (): Promise<boolean> => (await view.kindOf(path)) !== undefined;
    const isTreeGone = async (): Promise<boolean> => (await view.kindOf(treePath(kind, hex))) === undefined;
    if ((await hasRecord()) && (await isTreeGone()) && (await hasRecord())) found.push(path);
  }
  return found;
}

/** Trees that parts which stay lead to, though nothing else does. */
function heldTrees(parts: readonly OutputParts[], gone: ReadonlySet<string>): Set<string> {
  const held = new Set<string>();
  for (const { unreferenced } of parts)
    for (const [part, trees] of unreferenced)
      if (!gone.has(part)) for (const tree of trees) held.add(treeName(tree));
  return held;
}

interface MarksChange {
  readonly before: Marks | undefined;
  readonly left: ReadonlyMap<string, Mark>;
  readonly aged: Aged;
  readonly swept: readonly string[];
}

/** The file of the marks where it changes; with the last of them, it goes. */
async function marksToWrite(
  { view, revision }: CollectedPlace,
  { before, left, aged, swept }: MarksChange,
  { nowMs }: CollectionOptions,
): Promise<{ readonly entries: readonly Entry[]; readonly outdated: readonly BytePath[] }> {
  if (left.size === 0) return { entries: [], outdated: before === undefined ? [] : [MARKS_PATH] };
  const isSame = [aged.fresh, aged.lifted, swept].every(({ length }) => length === 0);
  if (isSame && before !== undefined && !isOld(before, nowMs)) return { entries: [], outdated: [] };
  const attributes = publisherAttributes();
  const folder: Entry = {
    type: 'directory',
    path: OWN_FOLDERS.records,
    attributes: { ...attributes, mode: 0o755 },
  };
  const hasFolder = (await view.kindOf(OWN_FOLDERS.records)) !== undefined;
  const file = marksFile({ at: nowMs, revision: revision ?? null, trees: left }, attributes);
  return { entries: [...(hasFolder ? [] : [folder]), file], outdated: [] };
}

function publicationOf(names: readonly Entry[], outdated: readonly BytePath[]): Publication | undefined {
  if (names.length === 0 && outdated.length === 0) return undefined;
  return {
    ...EMPTY_PUBLICATION,
    outdated,
    names,
    contentBytes: names.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.sizeBytes : 0), 0),
    inodes: names.length,
  };
}
