import type { Candidate } from './candidates.ts';
import type { WantedImage } from '../image/image.ts';
import type { Digest } from '../../core/oci/digest.ts';

/** What is being done about an image. */
export type Stage = 'looking' | 'fetching' | 'composing' | 'publishing';

/** What it is done about. */
export interface Subject {
  readonly wanted: WantedImage;
  /** Of the manifest; `undefined` as long as it is not known. */
  readonly digest: Digest | undefined;
}

/** Stands around all work on images. Its methods throw what the work throws, and nothing else. */
export interface Guard {
  /** Lets the work begin when it is its turn. One turn is never within another. */
  turn<T>(subjects: readonly Subject[], work: () => Promise<T>): Promise<T>;
  /** Writes down, before it begins, what is under way, so that it is known what a process died of. */
  during<T>(stage: Stage, subjects: readonly Subject[], work: () => Promise<T>): Promise<T>;
}

export const UNGUARDED: Guard = {
  turn: async (_subjects, work) => await work(),
  during: async (_stage, _subjects, work) => await work(),
};

export function subjectOf({ part, resolved }: Pick<Candidate, 'part' | 'resolved'>): Subject {
  return { wanted: part.wanted, digest: resolved.manifest.digest };
}
