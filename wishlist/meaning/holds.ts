import { counted, localTime } from '../../core/text.ts';
import type { Removal } from './removal.ts';

/** Why a removal that is due does not happen. */
export type HoldCode =
  | 'clock-jumped' // the time may be wrong
  | 'source-dropped' // who asked for it is no longer configured
  | 'source-emptied' // who asked for it asks for nothing any more
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
  /** Where the clock cannot be believed: what it showed last, in ms since 1970. */
  readonly believedMs: number | undefined;
  readonly nowMs: number;
}

/** So few may always go, whatever their share. */
const ALWAYS = 5;

/** A clock further from what it showed last is not believed. */
const JUMP_MS = 7 * 86_400_000;

/** Returns whether a clock that showed `lastMs` may show `nowMs`, without anybody looking in between for that long. */
export function isClockBelieved(nowMs: number, lastMs: number | undefined): boolean {
  return lastMs === undefined || Math.abs(nowMs - lastMs) <= JUMP_MS;
}

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
  const isTooMany = open.length > allowed(known);
  hold('too-many', () => isTooMany);
  return { due: [...due, ...open], holds };
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
