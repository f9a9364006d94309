import { representable, shellWord } from './shell-word.ts';
import { script } from './startup-entry.ts';
import type { StartupFile } from './startup-entry.ts';

/**
 * The scripts that set a container's environment. They are sourced in the order of their names, by apptainer itself or
 * by the action scripts, with whatever the user asked for already set.
 *
 * Apptainer knows two of these names: after `10-docker2singularity.sh` it completes PATH, and after `99-base.sh` it
 * sets the variables of `--env` and `APPTAINERENV_…`, so both must be there.
 *
 * @param env `NAME=VALUE` each, as in the image's config
 * @see Apptainer User Guide, "Environment and Metadata", "Environment Overview"
 */
export function environmentScripts(env: readonly string[]): readonly StartupFile[] {
  return [
    script('.singularity.d/env/10-docker2singularity.sh', imageVariables(env)),
    script(
      '.singularity.d/env/90-environment.sh',
      '#!/bin/sh\n# The image has no variables beyond its config.\n',
    ),
    script('.singularity.d/env/99-base.sh', BASE),
    script('.singularity.d/env/99-runtimevars.sh', RUNTIME_PATH),
  ];
}

/**
 * A variable that is set already, even to nothing, stays: that is the user's own, or one that the shell holds itself
 * and may not be assigned (UID, PPID). Only PATH always is the image's: every user has one set, and it names the
 * host's directories; what a user asks for is in SING_USER_DEFINED_PATH and comes later.
 */
function imageVariables(env: readonly string[]): string {
  const lines = [...valuesByName(env)].map(([name, value]) =>
    name === 'PATH'
      ? `export PATH=${shellWord(value)}\n`
      : `[ -n "\${${name}+set}" ] || export ${name}=${shellWord(value)}\n`,
  );
  return `#!/bin/sh\n# The variables of the image's config.\n${lines.join('')}`;
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Entries without a name that a shell can hold are left out; of several for one name the last counts, as in docker. */
function valuesByName(env: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const entry of env) {
    const end = entry.indexOf('=');
    const name = entry.slice(0, Math.max(end, 0));
    if (IDENTIFIER.test(name) && representable(entry)) values.set(name, entry.slice(end + 1));
  }
  return values;
}

const BASE = `#!/bin/sh
# Libraries that the runtime mounts from the host are looked for last.
export LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}/.singularity.d/libs"
`;

const RUNTIME_PATH = `#!/bin/sh
# What the user asked for: a PATH, or directories before or after the image's.
PATH="\${SING_USER_DEFINED_PREPEND_PATH:+$SING_USER_DEFINED_PREPEND_PATH:}\${PATH:-}"
PATH="$PATH\${SING_USER_DEFINED_APPEND_PATH:+:$SING_USER_DEFINED_APPEND_PATH}"
export PATH="\${SING_USER_DEFINED_PATH:-$PATH}"
unset SING_USER_DEFINED_PREPEND_PATH SING_USER_DEFINED_APPEND_PATH SING_USER_DEFINED_PATH
`;
