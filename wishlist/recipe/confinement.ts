/** What the wishes of one source may ask for, as the operator says. */
export interface Confinement {
  /** Whether they may be published in the repository of this name. */
  readonly allowsRepository: (name: string) => boolean;
  /** Patterns as `matchesRegistry` reads them; `undefined` for all registries. */
  readonly registries: readonly string[] | undefined;
  /** What all public names begin with; wishes may go below it. `undefined` for nothing in particular. */
  readonly subdirectory: string | undefined;
  /** Whether they may have the registry, a host with its port, asked over plain HTTP. */
  readonly allowsHttp: (registry: string) => boolean;
  /** The most tags that a pattern may match; `undefined` for as many as everywhere. */
  readonly limit: number | undefined;
}
