import { counted, localTime } from '../../core/text.ts';
import { groupBy } from '../../core/group-by.ts';
import type { Removal } from './removal.ts';
import { protectedNames, type RefusedImages } from './uncertainty.ts';

/** Why a removal that is due does not happen. */
export type HoldCode =
  | 'clock-jumped' // the time may be wrong
  | 'source-dropped' // who asked for it is no longer configured
  | 'source-emptied' // who asked for it asks for nothing any more
  | 'line-refused' // who asked for it still does, and may not
  | 'too-many'; // more than usual at once

type ImageHoldCode = Exclude<HoldCode, 'clock-jumped'>;

/** Removals that wait for an operator. */
export interface Hold {
  readonly code: HoldCode;
  readonly message: string;
  readonly hint: string;
  /** At least one, unless it is the clock. */
  readonly removals: readonly Removal[];
}

/** How many removals one cycle may make in a repository without being told to. */
export interface RemovalLimits {
  readonly images: number;
  /** Of a repository's images, in percent. */
  readonly percent: number;
}

/** What holds depend on. */
export interface HoldKnowledge {
  readonly repository: string;
  /** The number of its images. */
  readonly published: number;
  readonly limits: RemovalLimits;
  /** Whether the source was read, and asks for no image in the repository. */
  readonly isEmptied: (source: string) => boolean;
  /** What their sources ask for, and may not. */
  readonly refused: readonly RefusedImages[];
  /** Where the clock cannot be believed: what it showed last, in ms since 1970. */
  readonly believedMs: number | undefined;
  readonly nowMs: number;
}

/** So few may always go, whatever their share. */
const ALWAYS = 5;

/** The removals that are due, and what of them is held. A pure function. */
export function holdRemovals(
  removals: readonly Removal[],
  known: HoldKnowledge,
): { due: Removal[]; holds: Hold[] } {
  const { nowMs, isEmptied } = known;
  const isDue = ({ dueMs }: Removal): boolean => dueMs !== undefined && dueMs <= nowMs;
  const all = removals.filter(isDue);
  if (known.believedMs !== undefined)
    return { due: [], holds: [{ code: 'clock-jumped', ...clockWords(known), removals: all }] };
  const due = all.filter(({ published }) => published.isConfirmed);
  let open = all.filter(({ published }) => !published.isConfirmed);
  const holds: Hold[] = [];
  const hold = (code: ImageHoldCode, isHeld: (removal: Removal) => boolean): void => {
    const held = open.filter(isHeld);
    if (held.length === 0) return;
    open = open.filter((removal) => !isHeld(removal));
    holds.push({ code, ...wordsOf(code, held, known), removals: held });
  };
  hold('source-dropped', ({ reason }) => reason === 'source gone');
  hold('source-emptied', ({ published }) => published.askedBy.some(isEmptied));
  const refused = refusedAmong(open, known);
  hold('line-refused', (removal) => refused.has(removal));
  const isTooMany = open.length > allowed(known);
  hold('too-many', () => isTooMany);
  return { due: [...due, ...open], holds };
}

/** Those that a source still asks for, among the images that it asked for before: other sources' are none of its business. */
function refusedAmong(removals: readonly Removal[], { repository, refused }: HoldKnowledge): Set<Removal> {
  const found = new Set<Removal>();
  for (const [source, images] of groupBy(refused, (one) => one.source)) {
    const asked = removals.filter(
      ({ published }) => source !== undefined && published.askedBy.includes(source),
    );
    const names = protectedNames(
      asked.map(({ published }) => published.publicName),
      images,
      repository,
    );
    for (const removal of asked) if (names.has(removal.published.publicName)) found.add(removal);
  }
  return found;
}

function isRefused({ refused }: HoldKnowledge): (source: string) => boolean {
  const sources = new Set(refused.map(({ source }) => source));
  return (source) => sources.has(source);
}

/** The number of images that may go at once. */
function allowed({ published, limits: { images, percent } }: HoldKnowledge): number {
  return Math.min(images, Math.max(ALWAYS, Math.floor((published * percent) / 100)));
}

function wordsOf(
  code: ImageHoldCode,
  held: readonly Removal[],
  known: HoldKnowledge,
): Pick<Hold, 'message' | 'hint'> {
  const { repository, published, limits } = known;
  const images = `${counted(held.length, 'image')}${code === 'too-many' ? ` of ${published}` : ''}`;
  const stay = `${images} ${held.length === 1 ? 'stays' : 'stay'}`;
  const hint = `to let them go: "unpackd remove --held ${repository}"`;
  switch (code) {
    case 'source-dropped':
      return {
        message: `${stay}: ${sourcesOf(held, () => true)} asked for them, and is no longer configured`,
        hint: `configure it again to keep them; ${hint}`,
      };
    case 'source-emptied':
      return {
        message: `${stay}: ${sourcesOf(held, known.isEmptied)} asked for them, and now asks for nothing in ${repository}`,
        hint: `restore its wishlist to keep them; ${hint}`,
      };
    case 'line-refused':
      return {
        message: `${stay}: ${sourcesOf(held, isRefused(known))} asks for them in lines that are refused`,
        hint: `allow what those lines ask for to keep them; ${hint}`,
      };
    case 'too-many':
      return {
        message: `${stay}: at most ${allowed(known)} may go at once (removal-limit ${limits.images}, removal-share ${limits.percent} %)`,
        hint: `ask for them again to keep them; ${hint}`,
      };
  }
}

/** Without the time that the clock shows, which would be another text each time. */
function clockWords({ repository, believedMs = 0 }: HoldKnowledge): Pick<Hold, 'message' | 'hint'> {
  return {
    message: `nothing is removed: the clock is more than 7 days from ${localTime(believedMs)}, which it showed when it was last looked at`,
    hint: `correct the clock; if it is right, "unpackd remove --held ${repository}" says so`,
  };
}

function sourcesOf(held: readonly Removal[], isMeant: (source: string) => boolean): string {
  const names = held.flatMap(({ published }) => published.askedBy.filter(isMeant));
  return [...new Set(names)].join(', ');
}
