import { styleText } from 'node:util';
import type { FailureText } from '../../publisher/image/events.ts';
import type { Environment } from '../configuration/options.ts';
import { redact } from '../configuration/secrets.ts';
import type { OutputStream } from './display.ts';
import { errorLine, stackText } from './format.ts';
import { jsonText } from './results.ts';

/** Failures and warnings as text: wrapped on a terminal, one line each for logs and pipes. */
export interface ProblemText {
  /** `error[CODE] SUBJECT: MESSAGE; HINT`; on a terminal wrapped, in color, with the hint on a line of its own. */
  readonly error: (problem: ErrorText, subject?: string) => string[];
  readonly warning: (message: string) => string[];
}

/** The text of an error, which need not be a failure. */
export interface ErrorText extends Pick<FailureText, 'message'> {
  readonly code: Parameters<typeof errorLine>[0];
  readonly hint?: string | undefined;
}

/** A narrower terminal wraps as it likes. */
const NARROWEST = 40;
const INDENT = '  ';

export function problemTextFor(stream: OutputStream, environment: Environment): ProblemText {
  return stream.isTTY === true ? onTerminal(stream, hasColours(environment)) : IN_LINES;
}

/** @see https://no-color.org */
function hasColours({ NO_COLOR: none = '', TERM: terminal }: Environment): boolean {
  return none === '' && terminal !== 'dumb';
}

const IN_LINES: ProblemText = {
  error: ({ code, message, hint }, subject) => [errorLine(code, [withSubject(message, subject), hint])],
  warning: (message) => [`warning: ${redact(message)}`],
};

function onTerminal(stream: OutputStream, isColoured: boolean): ProblemText {
  return {
    error: ({ code, message, hint }, subject) => [
      ...wrapped(errorLine(code, [withSubject(message, subject)]), ['red', 'bold']),
      ...(hint === undefined || hint === '' ? [] : wrapped(`${INDENT}hint: ${redact(hint)}`, ['cyan'])),
    ],
    warning: (message) => wrapped(`warning: ${redact(message)}`, ['yellow', 'bold']),
  };

  /** In lines of the terminal's width; what it begins with stands out. */
  function wrapped(text: string, format: Parameters<typeof styleText>[0]): string[] {
    const [first = '', ...others] = wrap(text, stream.columns ?? 80);
    const [start = '', indent = '', label = ''] = /^( *)(\S+)/.exec(first) ?? [];
    const rest = first.slice(start.length);
    const shown = isColoured ? styleText(format, label, { validateStream: false }) : label;
    return [`${indent}${shown}${rest}`, ...others];
  }
}

function withSubject(message: string, subject: string | undefined): string {
  return subject === undefined ? message : `${subject}: ${message}`;
}

/**
 * `text` in lines of at most `columns` characters, no word torn apart; `hanging` stands in front of all lines but the first.
 * Where `columns` is too narrow, in one line.
 */
export function wrap(text: string, columns: number, hanging = `${indentOf(text)}${INDENT}`): string[] {
  if (columns < NARROWEST) return [text];
  const indent = indentOf(text);
  const lines: string[] = [];
  let line = indent;
  for (const word of text.slice(indent.length).split(' ')) {
    const isEmpty = line.trim() === '';
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = `${hanging}${word}`;
    } else line += isEmpty ? word : ` ${word}`;
  }
  return [...lines, line];
}

function indentOf(text: string): string {
  return /^ */.exec(text)?.[0] ?? '';
}

export interface EarlyOutput {
  readonly environment: Environment;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Standard output is to have one document, however the run ends. */
  readonly json: boolean;
}

/** Reports why a run ended before it began: a line for each problem, and with `--json` a document of all. */
export function reportEarlyEnd(problems: readonly ErrorText[], output: EarlyOutput): void {
  const { stdout, stderr, environment, json } = output;
  const text = problemTextFor(stderr, environment);
  for (const line of problems.flatMap((problem) => text.error(problem))) stderr.write(`${line}\n`);
  if (json) stdout.write(jsonText({ problems }));
}

/** The same for a bug in unpackd, with its stack. */
export function reportBug(error: unknown, output: EarlyOutput): void {
  const { message, stack = message } = error instanceof Error ? error : { message: String(error) };
  reportEarlyEnd([{ code: 'bug', message: 'this is a bug in unpackd, please report it' }], output);
  output.stderr.write(`${stackText(stack)}\n`);
}
