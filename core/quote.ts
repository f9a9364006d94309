const MAXIMUM_CHARACTERS = 300;

/** `text` in double quotes for a message: unprintable characters escaped, over-long text cut. */
export function quoted(text: string): string {
  return escapeInvisible(JSON.stringify(cut(text)));
}

/** `text`, where it is over-long its beginning with an ellipsis. */
export function cut(text: string): string {
  return text.length > MAXIMUM_CHARACTERS ? `${text.slice(0, MAXIMUM_CHARACTERS)}…` : text;
}

/** `text` without quotes, such as a file name: unprintable characters escaped. */
export function printable(text: string): string {
  return escapeInvisible(text);
}

/** Control characters would act on a terminal; format characters (bidirectional ones, say) would mislead. */
function escapeInvisible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
