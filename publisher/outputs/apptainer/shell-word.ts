/**
 * `text` as one word of a POSIX shell that stands for exactly these characters, whatever they are. `text` must not
 * hold NUL: no argument and no variable can.
 *
 * The shell interpreter in apptainer needs more care than a shell does: after `export` it keeps the backslash of a
 * quote written as `\'`; even within quotes it drops a carriage return before a line feed and takes U+0080 for the end
 * of the script. So a quote stands between double quotes, and control characters other than tab and line feed are
 * spelled out, which also makes the script fit to be displayed.
 */
export function shellWord(text: string): string {
  const quoted = text.replaceAll("'", `'"'"'`).replaceAll(CONTROLS, (run) => `'"$(printf '${octal(run)}')"'`);
  return `'${quoted}'`;
}

/** Whether a shell, or any program's argument or environment, can hold `text`. */
export function representable(text: string): boolean {
  return !text.includes('\0');
}

// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0001-\u0008\u000b-\u001f\u007f-\u009f]+/g;

function octal(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
