import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GENERATED, withGenerated } from './option-docs.ts';
import { PROJECT, textOf } from './project.ts';

// `npm run docs`: what the documents say of options, after the tables of options changed.
for (const [path, part] of Object.entries(GENERATED)) {
  writeFileSync(join(PROJECT, path), withGenerated(textOf(path), part()));
}
