import type { FailureText, Observer } from '../../publisher/image/events.ts';
import type { Failure } from '../../core/failure.ts';
import type { Configuration, Environment } from '../configuration/options.ts';
import { type Display, type OutputStream, createPlainDisplay, createSilentDisplay } from './display.ts';
import { partsOf } from '../configuration/problems.ts';
import { type EarlyOutput, reportBug, problemTextFor } from './problem-text.ts';
import { stackText, requestText } from './format.ts';
import { counted } from '../../core/text.ts';
import { redact } from '../configuration/secrets.ts';
import {
  isUndone,
  jsonText,
  problemDocument,
  reportDocument,
  reportText,
  type Report,
  createSummary,
} from './results.ts';

/** Output for people and programs: progress, warnings and failures on stderr, results on stdout. */
export interface Output {
  /** Shows progress, warnings, and each failed image at once. */
  readonly observe: Observer;
  /** Reports a failure that belongs to no image of the report (`subject`: what it is about, such as a line). */
  readonly failure: (failure: Failure, subject?: string) => void;
  /** Reports a bug in unpackd that ended the run. */
  readonly bug: (error: unknown) => void;
  /** Prints how a run ended: as lines, or with `--json` as one document that holds the failures too. */
  readonly report: (report: Report) => void;
  /** Prints another result: `text` (with its newlines), or `document` with `--json`. */
  readonly print: (text: string, document: unknown) => void;
  /** Writes bytes to stdout exactly as they are, such as a manifest. */
  readonly raw: (data: string | Uint8Array) => void;
  /** Removes the bars; with `--json`, prints failures that no document holds yet. */
  readonly close: () => void;
}

export interface OutputOptions extends Omit<EarlyOutput, 'json'> {
  readonly configuration: Pick<Configuration, 'json' | 'progress' | 'logLevel' | 'root'>;
}

export async function createOutput(options: OutputOptions): Promise<Output> {
  const { configuration, environment, stderr } = options;
  return outputOn(await createDisplay(configuration, environment, stderr), options);
}

function outputOn(display: Display, { configuration, environment, stdout, stderr }: OutputOptions): Output {
  const { logLevel } = configuration;
  const summary = createSummary();
  const problemText = problemTextFor(stderr, environment);
  const problems: FailureText[] = [];
  const undone: FailureText[] = [];
  let printed = false;

  return { observe, failure, bug, report, print, raw, close };

  function observe(event: Parameters<Observer>[0]): void {
    display.observe(event);
    summary.observe(event);
    if (event.type === 'request' && logLevel === 'debug') display.line(redact(requestText(event)));
    if (event.type === 'warning' && logLevel !== 'error') tell(problemText.warning(event.message));
    if (event.type === 'bug') display.line(stackText(event.stack));
    if (event.type !== 'image-finished' || event.result.outcome !== 'failed') return;
    if (isUndone(event.result)) undone.push(event.result);
    else tell(problemText.error(event.result, event.image));
  }

  function failure(cause: Failure, subject?: string): void {
    for (const part of partsOf(cause)) {
      const { code, message, hint } = part;
      problems.push({ code, message: subject === undefined ? message : `${subject}: ${message}`, hint });
      if (code !== 'interrupted' || !reportUndone(part)) tell(problemText.error(part, subject));
    }
  }

  /** Images that an interruption left undone share one line. */
  function reportUndone(cause: FailureText | undefined = undone[0]): boolean {
    const count = undone.splice(0).length;
    if (cause === undefined || count === 0) return false;
    tell(problemText.error(withCount(cause, count)));
    return true;
  }

  function tell(lines: readonly string[]): void {
    for (const line of lines) display.line(line);
  }

  function bug(error: unknown): void {
    display.stop();
    reportBug(error, { stdout, stderr, environment, json: configuration.json && !printed });
    printed = true;
  }

  function report(finished: Report): void {
    reportUndone();
    display.stop();
    display.summary(summary.text(finished));
    const document = reportDocument(finished, problems, summary.inputWaitMs());
    print(reportText(finished, configuration.root), document);
  }

  function print(text: string, document: unknown): void {
    raw(configuration.json ? jsonText(document) : text);
  }

  function raw(data: string | Uint8Array): void {
    // Both streams may be one terminal.
    display.stop();
    printed = true;
    stdout.write(data);
  }

  function close(): void {
    display.stop();
    if (!configuration.json || printed || problems.length === 0) return;
    stdout.write(jsonText({ problems: problems.map(problemDocument) }));
  }
}

function withCount({ code, message, hint }: FailureText, count: number): FailureText {
  return { code, message: `${message}: ${counted(count, 'image')} not done`, hint };
}

async function createDisplay(
  { progress, logLevel }: Pick<Configuration, 'progress' | 'logLevel'>,
  environment: Environment,
  stream: OutputStream,
): Promise<Display> {
  if (progress === 'none' || logLevel === 'warning' || logLevel === 'error')
    return createSilentDisplay(stream);
  const smart = stream.isTTY === true && (progress === 'bar' || environment['TERM'] !== 'dumb');
  if (progress === 'plain' || !smart) return createPlainDisplay(stream);
  // Imported for a terminal alone: most short runs have none.
  return (await import('./bars.ts')).createBarDisplay(stream);
}
