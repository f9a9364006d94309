/** What verifications found of published images. These are named as `platformName` names them. */
export interface Verifications {
  /** Records how an image of `repository` was found, and keeps since when each damage is known. */
  record(repository: string, verified: VerifiedImage): Promise<void>;
  /** By name, when each image was verified last. */
  times(repository: string): Promise<ReadonlyMap<string, number>>;
  /** @param name one image; `undefined`: all that are damaged */
  damaged(repository: string, name?: string): Promise<DamagedImage[]>;
  /** Forgets all images but these: the others are not published any more. */
  retain(repository: string, names: readonly string[]): Promise<void>;
}

export interface VerifiedImage {
  readonly name: string;
  readonly atMs: number;
  /** Contents were compared. Else damage to contents that is known stays: nobody looked. */
  readonly isDeep: boolean;
  readonly damages: readonly Damage[];
}

export interface Damage {
  /** A word, such as `missing`. */
  readonly kind: string;
  /** In the repository, one character a byte. */
  readonly path: string;
  readonly message: string;
  /** Only contents show it. */
  readonly isOfContent: boolean;
}

export interface KnownDamage extends Damage {
  readonly sinceMs: number;
}

export interface DamagedImage {
  readonly name: string;
  readonly verifiedMs: number;
  /** Since when any of it is known. */
  readonly sinceMs: number;
  readonly count: number;
  /** In the order of their paths; of very many, the first. */
  readonly damages: readonly KnownDamage[];
}

/** Tells the damages of one image apart. */
export function damageKey({ kind, path }: Pick<Damage, 'kind' | 'path'>): string {
  return `${kind} ${path}`;
}
