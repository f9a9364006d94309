import { z } from 'zod';
import { Failure } from '../failure.ts';
import type { Digest } from './digest.ts';
import { checkSchema, parseJson } from '../json.ts';
import type { DocumentName } from '../json.ts';
import { digestSchema } from './manifest.ts';
import { counted } from '../text.ts';

/** Config of an image: its platform, its layers' content, and its start-up. */
export interface ImageConfig {
  /** Exactly as served. */
  readonly bytes: Buffer;
  /** Empty where none is given, as is the operating system: very old images say neither. */
  readonly architecture: string;
  readonly os: string;
  /** Of the architecture. */
  readonly variant: string | undefined;
  /** RFC 3339, as written. */
  readonly created: string | undefined;
  /** Of the layers' tar archives before compression, from the lowest up: as many as the manifest has layers. */
  readonly diffIds: readonly Digest[];
  readonly entrypoint: readonly string[] | undefined;
  readonly cmd: readonly string[] | undefined;
  /** `NAME=value` */
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Empty where none is given. */
  readonly workingDirectory: string;
  /** `user`, `uid`, `user:group`…; empty where none is given. */
  readonly user: string;
}

/** Old tools write one string where the specification has a list. */
const commandSchema = z
  .union([z.array(z.string()), z.string().transform((word) => (word === '' ? [] : [word]))])
  .nullish();

const executionSchema = z.object({
  Entrypoint: commandSchema,
  Cmd: commandSchema,
  Env: z.array(z.string()).nullish(),
  Labels: z.record(z.string(), z.string().nullable()).nullish(),
  WorkingDir: z.string().nullish(),
  User: z.string().nullish(),
});

const configSchema = z.object({
  architecture: z.string().nullish(),
  os: z.string().nullish(),
  variant: z.string().nullish(),
  created: z.string().nullish(),
  rootfs: z.object({ diff_ids: z.array(digestSchema).nullish() }),
  config: executionSchema.nullish(),
});

/**
 * Reads an image's config; null and absent are the same in it. `image` names it in messages.
 *
 * @see OCI image specification 1.1, config.md, "Properties"
 * @throws Failure `manifest-invalid` where it breaks its schema or has not `layers` diff IDs
 */
export function parseConfig(bytes: Buffer, layers: number, image: string): ImageConfig {
  const name: DocumentName = { what: `the config of ${image}`, code: 'manifest-invalid' };
  const document = checkSchema(configSchema, parseJson(bytes, name), name);
  const diffIds = document.rootfs.diff_ids ?? [];
  if (diffIds.length !== layers) {
    const reason = `${counted(diffIds.length, 'diff ID')}, and its manifest ${counted(layers, 'layer')}`;
    throw new Failure(name.code, `${name.what} has ${reason}`, {
      hint: 'build and push the image again with a current tool',
    });
  }
  const { architecture, os, variant, created } = document;
  return {
    bytes,
    architecture: architecture ?? '',
    os: os ?? '',
    variant: variant ?? undefined,
    created: created ?? undefined,
    diffIds,
    ...executionOf(document.config ?? {}),
  };
}

type Execution = Pick<ImageConfig, 'entrypoint' | 'cmd' | 'env' | 'labels' | 'workingDirectory' | 'user'>;

/** Start-up of the image. */
function executionOf(config: z.output<typeof executionSchema>): Execution {
  return {
    entrypoint: config.Entrypoint ?? undefined,
    cmd: config.Cmd ?? undefined,
    env: config.Env ?? [],
    labels: withoutNulls(config.Labels ?? {}),
    workingDirectory: config.WorkingDir ?? '',
    user: config.User ?? '',
  };
}

function withoutNulls(labels: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, value ?? '']));
}
