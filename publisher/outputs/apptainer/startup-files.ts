import { actionScripts } from './actions.ts';
import { environmentScripts } from './environment.ts';
import { labelsJson } from './labels.ts';
import { runscript, STARTSCRIPT } from './runscript.ts';
import { dataFile, directory, link, script } from './startup-entry.ts';
import type { StartupConfig, StartupEntry } from './startup-entry.ts';

/**
 * The files with which apptainer and singularity start programs of a flat root file system: `.singularity.d` and the
 * links at the root. They take the place of what the image holds at these paths.
 *
 * The same config gives the same bytes. Nothing in the config can end a quotation: every value reaches the programs as
 * it is, and no value is ever run as a command of a script.
 *
 * @see Apptainer User Guide, "Environment and Metadata", "Container Metadata" for what each file means
 */
export function startupFiles(config: StartupConfig): readonly StartupEntry[] {
  return [
    directory('.singularity.d'),
    directory('.singularity.d/actions'),
    ...actionScripts(),
    directory('.singularity.d/env'),
    ...environmentScripts(config.env),
    dataFile('.singularity.d/labels.json', labelsJson(config.labels)),
    // The runtime mounts host libraries here, such as those of GPUs.
    directory('.singularity.d/libs'),
    script('.singularity.d/runscript', runscript(config)),
    script('.singularity.d/startscript', STARTSCRIPT),
    link('.exec', '.singularity.d/actions/exec'),
    link('.run', '.singularity.d/actions/run'),
    link('.shell', '.singularity.d/actions/shell'),
    link('.test', '.singularity.d/actions/test'),
    link('environment', '.singularity.d/env/90-environment.sh'),
    link('singularity', '.singularity.d/runscript'),
  ];
}
