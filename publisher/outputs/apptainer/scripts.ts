import { posix } from 'node:path';
import { representable, shellWord, type StartupConfig, script, type StartupFile } from './startup-entry.ts';

/**
 * Script for `apptainer run IMAGE [ARGUMENT…]`: the entry point with the arguments, or with CMD where there are none, as
 * docker would. Without an entry point the arguments are the command, or CMD, or else a shell.
 *
 * The program starts in the user's own directory, since arguments are often names of files in it. Only an entry point
 * or CMD that is itself a path relative to the image's working directory is resolved against that.
 *
 * @see OCI image specification 1.1, config.md, "Entrypoint", "Cmd", "WorkingDir"
 */
export function runscript(config: StartupConfig): string {
  const entrypoint = withoutEmptyProgram(config.entrypoint);
  const cmd = withoutEmptyProgram(config.cmd, entrypoint.length > 0);
  if (![...entrypoint, ...cmd].every(representable)) return UNRUNNABLE;
  if (entrypoint.length > 0) {
    return `${HEAD}${unlessArguments(cmd)}set -- ${words(inWorkingDirectory(entrypoint, config))} "$@"\n${RUN}`;
  }
  if (cmd.length > 0) return `${HEAD}${unlessArguments(inWorkingDirectory(cmd, config))}${RUN}`;
  return `${HEAD}${SHELL_UNLESS_ARGUMENTS}${RUN}`;
}

/** Nothing, for `apptainer instance start`; `apptainer instance run` starts the image's program. */
export const STARTSCRIPT = `#!/bin/sh
# An image's config says nothing on instances: they start empty.
`;

/** An empty program name means no program, as in docker, where it resets an inherited entry point. */
function withoutEmptyProgram(command: readonly string[] | undefined, isArguments = false): readonly string[] {
  if (command === undefined) return [];
  return !isArguments && command[0] === '' && command.length === 1 ? [] : command;
}

function inWorkingDirectory(command: readonly string[], config: StartupConfig): readonly string[] {
  const [program = '', ...rest] = command;
  if (!program.includes('/') || program.startsWith('/')) return command;
  return [posix.join('/', config.workingDirectory, program), ...rest];
}

function unlessArguments(command: readonly string[]): string {
  return command.length === 0 ? '' : `[ $# -gt 0 ] || set -- ${words(command)}\n`;
}

function words(command: readonly string[]): string {
  return command.map(shellWord).join(' ');
}

/*
 * Apptainer reads the runscript for a line of exactly this form and, where it finds one, interprets the script itself:
 * so images without a shell can be run too.
 */
const HEAD = `#!/bin/sh
if false; then
eval "set \${SINGULARITY_OCI_RUN}"
fi
`;

const RUN = `exec "$@"\n`;

const SHELL_UNLESS_ARGUMENTS = `if [ $# -eq 0 ]; then
  if [ -x /bin/bash ]; then set -- /bin/bash; else set -- /bin/sh; fi
fi
`;

const UNRUNNABLE = `#!/bin/sh
echo "The image's entry point or command holds a NUL byte and cannot be run." >&2
exit 127
`;

/**
 * The scripts behind `apptainer exec`, `run`, `shell`, `start` and `test`. Apptainer since 1.0 and singularity since
 * 3.6 do by themselves what these say; older ones run them, and so does who enters the tree by `chroot`.
 *
 * @see Apptainer User Guide, "Environment and Metadata", "Container Metadata"
 */
export function actionScripts(): readonly StartupFile[] {
  return Object.entries({ exec: EXEC, run: RUN_OR_SHELL, shell: SHELL, start: START, test: TEST }).map(
    ([name, body]) => script(`.singularity.d/actions/${name}`, `${ENVIRONMENT}${body}`),
  );
}

const ENVIRONMENT = `#!/bin/sh
for _unpackd_script in /.singularity.d/env/*.sh; do
  [ ! -f "$_unpackd_script" ] || . "$_unpackd_script"
done
unset _unpackd_script
`;

const EXEC = `exec "$@"
`;

const RUN_OR_SHELL = `[ ! -x /.singularity.d/runscript ] || exec /.singularity.d/runscript "$@"
exec /bin/sh "$@"
`;

const SHELL = `for SHELL in "\${APPTAINER_SHELL:-}" "\${SINGULARITY_SHELL:-}" /bin/bash /bin/sh; do
  [ -f "$SHELL" ] && [ -x "$SHELL" ] || continue
  export SHELL
  # The user's own start-up files belong to the host.
  [ "$SHELL" != /bin/bash ] || exec /bin/bash --norc "$@"
  exec "$SHELL" "$@"
done
echo 'The image has no shell.' >&2
exit 127
`;

const START = `[ ! -x /.singularity.d/startscript ] || exec /.singularity.d/startscript "$@"
`;

const TEST = `[ ! -x /.singularity.d/test ] || exec /.singularity.d/test "$@"
`;

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
  const lines = Array.from(valuesByName(env), ([name, value]) =>
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
