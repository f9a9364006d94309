import { actionScripts, runscript, STARTSCRIPT, environmentScripts } from './scripts.ts';
import {
  dataFile,
  directory,
  link,
  script,
  type StartupConfig,
  type StartupEntry,
  type StartupDirectory,
  type StartupFile,
} from './startup-entry.ts';

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

/**
 * `labels.json`: one object of strings, sorted by name. Control characters are escaped, also those that JSON lets
 * stand (DEL and the C1 set), so that printing the file cannot steer a terminal.
 */
function labelsJson(labels: Readonly<Record<string, string>>): string {
  const lines = Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `  ${quoted(name)}: ${quoted(value)}`);
  return lines.length === 0 ? '{}\n' : `{\n${lines.join(',\n')}\n}\n`;
}

function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * Mount points of apptainer. A published root file system is read-only, so these are added wherever the image has
 * nothing at that path; anything that it has there (a symbolic link too) stays as it is. `var` and `etc` are in the
 * list as parents of others.
 */
export const mountPoints: readonly (StartupDirectory | StartupFile)[] = [
  directory('dev'),
  directory('etc'),
  dataFile('etc/hosts', ''),
  dataFile('etc/resolv.conf', ''),
  directory('home'),
  directory('proc', 0o555),
  directory('root', 0o700),
  directory('sys', 0o555),
  directory('tmp', 0o1777),
  directory('var'),
  directory('var/tmp', 0o1777),
];
