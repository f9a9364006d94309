import type { ConfigurationCommand } from '../command.ts';
import { readConfiguration } from '../../configuration/configuration.ts';
import { checkConfiguration, summaryOf } from '../../configuration/inspection/check.ts';
import { reportFindings } from '../../configuration/inspection/report.ts';
import { OPTIONS } from '../../configuration/options.ts';

export const configCheckCommand: ConfigurationCommand = {
  name: 'config check',
  summary: 'Say all that is wrong with the configuration, and with what it names on this machine',
  arguments: [{ name: 'FILE', description: 'in place of the file that is in force', optional: true }],
  examples: [
    {
      line: 'unpackd config check',
      meaning: 'as the user that runs unpackd: exit status 2 where something is wrong',
    },
    { line: 'unpackd config check unpackd.yaml.new', meaning: 'before it is put in place' },
  ],
  options: ['config', 'json'],
  inspect: async ({ arguments: [file], sources, stdout, stderr }) => {
    const flags = file === undefined ? sources.flags : { ...sources.flags, [OPTIONS.configFile.key]: file };
    const reading = readConfiguration({ ...sources, flags });
    const { configuration } = reading;
    const findings = await checkConfiguration(reading, sources.environment);
    const summary = configuration && summaryOf(configuration);
    return reportFindings(findings, { reading, environment: sources.environment, stdout, stderr, summary });
  },
};
