import {
  CORE_SCHEMA,
  EVENT_ID,
  YAMLException,
  eventsToAst,
  parseEvents,
  visit,
  type AliasNode,
  type Event,
  type Node,
} from 'js-yaml';
import { quoted } from '../text.ts';
import { LineIndex, type Position } from './lines.ts';
import { findTooManyMarks, findTooMuch, type Excess, type YamlLimits } from './size.ts';

/** A node with content: the target of an alias, not the alias. */
export type Content = Exclude<Node, AliasNode>;

type NodeEvent = Exclude<Event, { type: typeof EVENT_ID.DOCUMENT | typeof EVENT_ID.POP }>;

/** A text that is not valid YAML, or exceeds its limits. */
export class YamlError extends Error {
  readonly kind: 'invalid' | 'too-large';
  /** The parser's may quote the text, and so a password. */
  readonly reason: string;
  /** `undefined` where the parser names none. */
  readonly position: Position | undefined;

  constructor(
    kind: YamlError['kind'],
    reason: string,
    { position, cause }: { readonly position: Position | undefined; readonly cause?: unknown },
  ) {
    super(reason, { cause });
    this.name = 'YamlError';
    this.kind = kind;
    this.reason = reason;
    this.position = position;
  }
}

/**
 * A YAML text as a tree whose nodes know their positions: js-yaml has positions in its events and types in its syntax
 * tree, and this joins the two.
 *
 * @see YAML 1.2.2; types by its core schema (section 10.3)
 */
export class YamlText {
  /** The content of each document; `undefined` for one without content. */
  readonly documents: readonly (Node | undefined)[];
  /** The first alias whose anchor is not defined before it. */
  readonly undefinedAlias: AliasNode | undefined;
  readonly #lines: LineIndex;
  readonly #offsets = new Map<Node, number>();
  readonly #targets = new Map<AliasNode, Content>();

  /** @throws YamlError */
  constructor(text: string, limits?: YamlLimits) {
    const tooMany = limits && findTooManyMarks(text, limits);
    this.#lines = new LineIndex(tooMany === undefined ? text : text.slice(0, tooMany.offset));
    this.#refuse(tooMany);
    this.#refuse(limits && this.#lines.findLong(limits.characters));
    const events = readEvents(text);
    this.#refuse(limits && findTooMuch(text, events, limits));
    const documents = eventsToAst(events, { source: text, schema: CORE_SCHEMA });
    this.documents = documents.map((document) => document.contents ?? undefined);

    const offsets = new OffsetReader(text, events);
    const anchors = new Map<string, Content>();
    let undefinedAlias: AliasNode | undefined;
    visit(documents, (node, { parent }) => {
      this.#offsets.set(node, offsets.next(parent?.kind === 'sequence'));
      if (node.kind !== 'alias') {
        if (node.anchor !== undefined) anchors.set(node.anchor, node);
        return;
      }
      const target = anchors.get(node.anchor);
      if (target === undefined) undefinedAlias ??= node;
      else this.#targets.set(node, target);
    });
    this.undefinedAlias = undefinedAlias;
  }

  /** The node itself, or the target of an alias, which must be defined. */
  content(node: Node): Content {
    if (node.kind !== 'alias') return node;
    const target = this.#targets.get(node);
    if (target === undefined) throw new Error('an alias of another text, or of nothing');
    return target;
  }

  /** The start of `node`; for an alias its own, not its target's. */
  positionOf(node: Node): Position {
    return this.#lines.positionAt(this.#offset(node));
  }

  /** The line of `node`, from there on. */
  lineOf(node: Node): string {
    return this.#lines.restOfLine(this.#offset(node));
  }

  #refuse(excess: Excess | undefined): void {
    if (excess === undefined) return;
    throw new YamlError('too-large', excess.reason, { position: this.#lines.positionAt(excess.offset) });
  }

  #offset(node: Node): number {
    const offset = this.#offsets.get(node);
    if (offset === undefined) throw new Error('a node of another text');
    return offset;
  }
}

/** Returns whether `node` is text: quoted, or plain and of no other type. */
export function isText(node: Content): boolean {
  const tags = ['tag:yaml.org,2002:str', '!!str', '!<tag:yaml.org,2002:str>', '!'];
  return node.kind === 'scalar' && tags.includes(node.tag);
}

/** The type of `node` in words. */
export function kindOf(node: Content): string {
  if (node.kind === 'sequence') return 'a list';
  if (node.kind === 'mapping') return 'a mapping of keys to values';
  if (isText(node)) return 'text';
  const type = /^(?:tag:yaml\.org,2002:|!!)(null|bool|int|float)$/.exec(node.tag)?.[1];
  if (type === undefined) return `a value of the type ${quoted(node.tag)}`;
  return { null: 'empty', bool: 'a truth value', int: 'a number', float: 'a number' }[type] ?? type;
}

function readEvents(text: string): Event[] {
  try {
    return parseEvents(text, {});
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const { mark } = error;
    const position = mark && { line: mark.line + 1, column: mark.column + 1 };
    throw new YamlError('invalid', error.reason, { position, cause: error });
  }
}

/** Gives the offset of each node in the order of the text. */
class OffsetReader {
  readonly #text: string;
  readonly #events: readonly NodeEvent[];
  #index = 0;
  /** The end of the last node's first token: nothing after it has been given out. */
  #end = 0;

  constructor(text: string, events: readonly Event[]) {
    this.#text = text;
    this.#events = events.filter(isNodeEvent);
  }

  next(isItem: boolean): number {
    const event = this.#events[this.#index];
    if (event === undefined) throw new Error('js-yaml has more nodes than events');
    this.#index += 1;
    const written = extent(event);
    if (written !== undefined) {
      this.#end = written.end;
      return written.start;
    }
    if (!isItem) return this.#end;
    const dash = this.#nextDash();
    this.#end = dash + 1;
    return dash;
  }

  /** An empty item has no place of its own: its dash stands for it. */
  #nextDash(): number {
    const dashOrComment = /-|#[^\r\n]*/g;
    dashOrComment.lastIndex = this.#end;
    for (let match = dashOrComment.exec(this.#text); match !== null; match = dashOrComment.exec(this.#text)) {
      if (match[0] === '-') return match.index;
    }
    return this.#end;
  }
}

function isNodeEvent(event: Event): event is NodeEvent {
  return event.type !== EVENT_ID.DOCUMENT && event.type !== EVENT_ID.POP;
}

/** The range of an event's first token and its properties; `undefined` where the node is empty. */
function extent(event: NodeEvent): { start: number; end: number } | undefined {
  if (event.type === EVENT_ID.ALIAS) return { start: event.anchorStart - 1, end: event.anchorEnd };
  const isScalar = event.type === EVENT_ID.SCALAR;
  const value = isScalar ? event.valueStart : event.start;
  const starts = [value, event.anchorStart, event.tagStart].filter((offset) => offset >= 0);
  if (starts.length === 0) return undefined;
  const end = isScalar ? event.valueEnd : event.start;
  return {
    start: starts.reduce((least, start) => Math.min(least, start)),
    end: Math.max(end, event.anchorEnd, event.tagEnd),
  };
}
