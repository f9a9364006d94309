import type { Failure } from '../../core/failure.ts';
import type { Observer } from '../../publisher/image/events.ts';
import type { Plan } from '../../wishlist/meaning/plan.ts';
import type { WishedImage } from '../../wishlist/meaning/wished-image.ts';
import type { InFlight } from './in-flight.ts';
import type { RemovalSettings } from './removing.ts';
import type { PublisherPool } from './publisher-pool.ts';
import type { StateStore } from './state-store.ts';

/** Shared by all work of a cycle. */
export interface CycleContext {
  readonly pool: PublisherPool;
  readonly store: StateStore;
  readonly inFlight: InFlight;
  readonly observeIn: (repository: string) => Observer;
  readonly nowMs: () => number;
  /** False: failed images and paused repositories are worked on at once. */
  readonly respectBackoff: boolean;
  /** True for images that need no more work. */
  readonly isDone?: (repository: string, image: WishedImage) => boolean;
  /** Limit on waiting for registries that have not answered; they continue in the background. */
  readonly patienceMs: number;
  /** Adds to the failures of images that cannot be fetched. */
  readonly explain?: (image: WishedImage, failure: Failure) => Promise<Failure>;
  readonly removal: RemovalSettings;
  /** Called with what is to be done in a repository. */
  readonly onPlan?: (repository: string, plan: Plan) => void;
}
