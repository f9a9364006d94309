import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../support/programs.ts';
import type { Contender } from './contender.ts';
import { CvmfsRepository, noReleaseManager } from './cvmfs-repository.ts';

export const ducc: Contender = {
  name: 'DUCC',
  backend: 'cvmfs',
  missing: () =>
    noReleaseManager() ??
    (findProgram('cvmfs_ducc') === undefined ? 'cvmfs_ducc is not installed' : undefined),
  open: async ({ bench: { gauge } }, work) => {
    const repository = await CvmfsRepository.make();
    return {
      publish: async (images) => {
        const recipe = writeRecipe(work, repository.name, images);
        const words = ['cvmfs_ducc', 'convert', recipe, '--skip-thin-image', '--skip-podman'];
        const { measurement } = await gauge.run({ words });
        return measurement;
      },
      close: async () => await repository.remove(),
    };
  },
};

function writeRecipe(folder: string, repository: string, images: readonly string[]): string {
  const recipe = join(folder, 'ducc.yaml');
  const input = images.map((image) => `  - '${image}'\n`).join('');
  const output = "output_format: '$(scheme)://$(registry)/$(repository)-thin:$(tag)'";
  writeFileSync(recipe, `version: 1\nuser: bench\ncvmfs_repo: '${repository}'\n${output}\ninput:\n${input}`);
  return recipe;
}
