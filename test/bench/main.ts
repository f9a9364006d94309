import { writeFileSync } from 'node:fs';
import { messageOf } from '../../core/failure.ts';
import { helpText, parseOptions, type BenchOptions } from './options.ts';
import { formatReport, reportDocument } from './report.ts';
import { runBench } from './run.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  const options = optionsOrUsage(words);
  if (typeof options === 'number') return options;
  const { hasFailed, ...report } = await runBench(options, (line) => process.stderr.write(`${line}\n`));
  process.stdout.write(formatReport(report));
  if (options.json !== undefined)
    writeFileSync(options.json, `${JSON.stringify(reportDocument(report), undefined, 2)}\n`);
  return hasFailed ? 1 : 0;
}

/** @returns the exit status where there is nothing to measure */
function optionsOrUsage(words: readonly string[]): BenchOptions | number {
  try {
    const options = parseOptions(words);
    if (!options.isHelp) return options;
    process.stdout.write(helpText());
    return 0;
  } catch (error) {
    process.stderr.write(`${messageOf(error)}; see "npm run bench -- --help"\n`);
    return 2;
  }
}
