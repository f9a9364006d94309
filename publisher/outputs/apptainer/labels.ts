/**
 * `labels.json`: one object of strings, sorted by name. Control characters are escaped, also those that JSON lets
 * stand (DEL and the C1 set), so that printing the file cannot steer a terminal.
 */
export function labelsJson(labels: Readonly<Record<string, string>>): string {
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
