import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../setup.ts';
import type { Flavour } from './image.ts';

/** What {@link pushMultiPlatformImage} builds for, in the order of its index. */
export const PLATFORMS = ['linux/amd64', 'linux/arm64', 'linux/arm/v6', 'linux/arm/v7'] as const;

/** Of a file that holds the platform's name and a line feed: all that the images differ in. */
export const PLATFORM_FILE = 'etc/platform';

const FORMATS: Readonly<Record<Flavour, string>> = { oci: 'oci', docker: 'v2s2' };
const NAME = 'multi-platform';

/**
 * Builds an image for each of {@link PLATFORMS} with buildah, and pushes them with an index (Docker: manifest list)
 * over plain HTTP to `destination`, `HOST:PORT/REPOSITORY:TAG`. Needs root and `buildah`.
 */
export async function pushMultiPlatformImage(destination: string, flavour: Flavour = 'oci'): Promise<void> {
  const folder = await temporaryDirectory('buildah');
  const buildah = buildahIn(folder);
  await buildah('manifest', 'create', NAME);
  for (const platform of PLATFORMS) await build(buildah, join(folder, 'content'), platform);
  const form = ['--all', '--format', FORMATS[flavour], '--tls-verify=false'];
  await buildah('manifest', 'push', '--quiet', ...form, NAME, `docker://${destination}`);
}

/** Answers what the command printed. */
type Buildah = (...words: string[]) => Promise<string>;

/** With a store of its own, which needs no mounts. */
function buildahIn(folder: string): Buildah {
  const store = [
    '--root',
    join(folder, 'graph'),
    '--runroot',
    join(folder, 'run'),
    '--storage-driver',
    'vfs',
  ];
  return async (...words) => {
    const { stdout } = await promisify(execFile)('buildah', [...store, ...words]);
    return stdout.trim();
  };
}

/** Step by step: `buildah build` writes v7 into the config of every image for arm that begins with nothing. */
async function build(buildah: Buildah, content: string, platform: string): Promise<void> {
  const [os = '', architecture = '', variant] = platform.split('/');
  await mkdir(join(content, dirname(PLATFORM_FILE)), { recursive: true });
  await writeFile(join(content, PLATFORM_FILE), `${platform}\n`);
  const container = await buildah('from', 'scratch');
  await buildah('copy', '--quiet', container, content, '/');
  const variantForm = variant === undefined ? [] : ['--variant', variant];
  await buildah('config', '--os', os, '--arch', architecture, ...variantForm, container);
  await buildah('commit', '--quiet', '--rm', '--timestamp', '0', '--manifest', NAME, container);
}
