import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recipeJsonSchema } from '../../wishlist/recipe/recipe-schema.ts';
import { PROJECT } from './project.ts';

// `npm run schema`: docs/recipe.schema.json anew, after wishlist/recipe/recipe-schema.ts changed.
writeFileSync(join(PROJECT, 'docs/recipe.schema.json'), `${JSON.stringify(recipeJsonSchema(), null, 2)}\n`);
