import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../support/programs.ts';
import { withoutScheme, type Contender } from './contender.ts';

export const podman: Contender = {
  name: 'podman pull',
  backend: 'directory',
  missing: () => notInstalled('podman'),
  open: async ({ bench: { gauge } }, work) => {
    const { environment, graph } = ownStorage(work);
    return {
      publish: async (images) => {
        const words = ['podman', 'pull', '--quiet', '--tls-verify=false', ...images.map(withoutScheme)];
        const { measurement } = await gauge.run({ words, environment });
        return measurement;
      },
      close: async () => unmount(graph),
    };
  },
};

/** Podman's storage in `work`, made by what it uses first. */
export function ownStorage(
  work: string,
  options = '',
): { readonly environment: Record<string, string>; readonly graph: string } {
  const graph = join(work, 'graph');
  const file = join(work, 'storage.conf');
  const folders = `graphroot = "${graph}"\nrunroot = "${join(work, 'run')}"\n`;
  writeFileSync(file, `[storage]\ndriver = "overlay"\n${folders}${options}`);
  return { environment: { CONTAINERS_STORAGE_CONF: file }, graph };
}

/** Podman keeps a mount of its own graph, which would be in the way of its removal. */
export function unmount(graph: string): void {
  spawnSync('umount', ['-l', join(graph, 'overlay')]);
}

/** Each image through a layout on disk, which they share. */
export const umoci: Contender = {
  name: 'skopeo + umoci',
  backend: 'directory',
  missing: () => notInstalled('skopeo') ?? notInstalled('umoci'),
  open: async ({ bench: { gauge } }, work) => {
    const layout = join(work, 'layout');
    const unpacked = new Set<string>();
    return {
      publish: async (images) => {
        const added = images.filter((image) => !unpacked.has(image));
        if (added.length === 0) return undefined;
        const lines = added.map((image) => {
          const number = unpacked.add(image).size;
          const copy = `skopeo copy --quiet --src-tls-verify=false 'docker://${withoutScheme(image)}' 'oci:${layout}:${number}'`;
          return `${copy}\numoci raw unpack --image '${layout}:${number}' '${join(work, `tree-${number}`)}'\n`;
        });
        const { measurement } = await gauge.run({ words: ['sh', '-ec', lines.join('')] });
        return measurement;
      },
      close: async () => {},
    };
  },
};

function notInstalled(program: string): string | undefined {
  return findProgram(program) === undefined ? `${program} is not installed` : undefined;
}
