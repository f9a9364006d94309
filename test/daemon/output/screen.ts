const ESCAPE = String.fromCharCode(0x1b);
/** The few sequences that moving displays use: cursor up, cursor to a column, erase in the line, erase below. */
const SEQUENCE = new RegExp(String.raw`${ESCAPE}\[(\d*)([AGKJ])|\n|[^${ESCAPE}]`, 'gu');

/** What a terminal of any height shows after `output`, line by line, without blanks at the ends. */
export function screenOf(output: string): string[] {
  const lines: string[][] = [[]];
  let row = 0;
  let column = 0;
  for (const [all, number = '', letter] of output.matchAll(SEQUENCE)) {
    const line = (lines[row] ??= []);
    if (letter === 'A') row = Math.max(0, row - Number(number || '1'));
    else if (letter === 'G') column = Number(number || '1') - 1;
    else if (letter === 'K') line.splice(number === '2' ? 0 : column);
    else if (letter === 'J') {
      line.splice(column);
      lines.splice(row + 1);
    } else if (all === '\n') {
      row++;
      column = 0;
    } else line[column++] = all;
  }
  const text = lines.map((line) =>
    Array.from(line, (character) => character ?? ' ')
      .join('')
      .trimEnd(),
  );
  return text.join('\n').trimEnd().split('\n');
}
