// Puts the manual and the completions of shells below the folder given (/usr/share), as packages have them. Runs with the Node of the packages,
// which reads TypeScript.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { COMMANDS } from '../../daemon/cli/commands.ts';
import { completionScript } from '../../daemon/cli/completion.ts';
import { manualPages } from '../../daemon/cli/manual.ts';

const [, , share] = process.argv;
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

for (const { file, text } of manualPages(version))
  put(`man/man${file.slice(-1)}/${file}.gz`, gzipSync(text, { level: 9 }));
put('bash-completion/completions/unpackd', completionScript('bash', COMMANDS));
// Debian's zsh reads the first folder, others the second.
for (const folder of ['vendor-completions', 'site-functions'])
  put(`zsh/${folder}/_unpackd`, completionScript('zsh', COMMANDS));
put('fish/vendor_completions.d/unpackd.fish', completionScript('fish', COMMANDS));

function put(path, content) {
  mkdirSync(dirname(join(share, path)), { recursive: true });
  writeFileSync(join(share, path), content);
}
