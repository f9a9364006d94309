import type { Failure } from '../../core/failure.ts';
import type { Observer } from '../../publisher/image/events.ts';
import type { Sources } from '../configuration/settings.ts';
import type { Configuration, Environment } from '../configuration/options.ts';
import type { OutputStream } from './display.ts';
import type { Output } from './output.ts';

export interface Context {
  /** In the order of the arguments of its description. */
  readonly arguments: readonly string[];
  readonly configuration: Configuration;
  /** Problems of the configuration file; only for commands that survive them. */
  readonly configurationFailure?: Failure;
  readonly output: Output;
  /** Reports to all observers: the output, and the notification file if there is one. */
  readonly observe: Observer;
  /** For what is no option, such as DUCC's variables for registries. */
  readonly environment: Environment;
  /** Aborted when the run is to end early, with a Failure `interrupted` as its reason. */
  readonly signal: AbortSignal;
  /** For long runs: rereads the configuration. @throws Failure `configuration-invalid` */
  readonly reconfigure: () => Configuration;
  readonly version: string;
  /** For logs: what stands there is seen at once. */
  readonly stderr: OutputStream;
}

/** For commands that run without a valid configuration. */
export interface InspectionContext extends Pick<Context, 'arguments' | 'stderr'> {
  readonly sources: Sources;
  readonly stdout: OutputStream;
}
