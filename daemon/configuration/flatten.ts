const ESCAPE = String.fromCharCode(0x1b);
const BELL = String.fromCharCode(0x07);
/** Escape sequences as terminals understand them (ECMA-48): CSI, OSC with its text, and those of two characters. */
const ESCAPE_SEQUENCE = new RegExp(
  String.raw`${ESCAPE}(?:\[[0-?]*[ -/]*[@-~]|\][^${BELL}${ESCAPE}]{0,1000}(?:${BELL}|${ESCAPE}\\)|[@-Z\\^_])`,
  'g',
);
const LINE_BREAK = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;
/** Control characters, and those that are invisible or turn the direction of writing. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}]/gu;

/**
 * What a runner of CI takes for a command wherever it stands in a line: `##[` at GitHub, `##vso[` at Azure.
 *
 * @see https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs, `TryParse`
 */
const RUNNER_COMMAND = /##(?=[a-z]*\[)/gi;

/** `text` as one line without control characters, and without commands to a runner of CI. */
export function flatten(text: string): string {
  const line = text.replace(ESCAPE_SEQUENCE, '').replace(LINE_BREAK, ' ').replace(INVISIBLE, '').trim();
  return withoutRunnerCommands(line);
}

/** `text` with as many characters. */
export function withoutRunnerCommands(text: string): string {
  return text.replaceAll(RUNNER_COMMAND, '# ');
}
