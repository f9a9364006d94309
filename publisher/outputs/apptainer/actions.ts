import { script } from './startup-entry.ts';
import type { StartupFile } from './startup-entry.ts';

/**
 * The scripts behind `apptainer exec`, `run`, `shell`, `start` and `test`. Apptainer since 1.0 and singularity since
 * 3.6 do by themselves what these say; older ones run them, and so does who enters the tree by `chroot`.
 *
 * @see Apptainer User Guide, "Environment and Metadata", "Container Metadata"
 */
export function actionScripts(): readonly StartupFile[] {
  return [
    action('exec', EXEC),
    action('run', RUN),
    action('shell', SHELL),
    action('start', START),
    action('test', TEST),
  ];
}

function action(name: string, body: string): StartupFile {
  return script(`.singularity.d/actions/${name}`, `${ENVIRONMENT}${body}`);
}

const ENVIRONMENT = `#!/bin/sh
for _unpackd_script in /.singularity.d/env/*.sh; do
  [ ! -f "$_unpackd_script" ] || . "$_unpackd_script"
done
unset _unpackd_script
`;

const EXEC = `exec "$@"
`;

const RUN = `[ ! -x /.singularity.d/runscript ] || exec /.singularity.d/runscript "$@"
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
