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
import { Failure } from '../../core/failure.ts';
import { RECIPE_LIMITS } from './limits.ts';
import { Lines, type Position } from './lines.ts';
import { nearest } from '../../core/nearest.ts';
import { position } from './problem.ts';
import { quoted } from '../../core/quote.ts';
import { findTooManyMarks, findTooMuch, type TooMuch } from './yaml-size.ts';

/** A node with content: what an alias stands for. */
export type Content = Exclude<Node, AliasNode>;

type NodeEvent = Exclude<Event, { type: typeof EVENT_ID.DOCUMENT | typeof EVENT_ID.POP }>;

const EXPECTED = 'correct the YAML: check indentation, quotes and the dash before each item of a list';

/**
 * A YAML text as a tree whose nodes know where they stand: js-yaml has positions in its events and types in its syntax
 * tree, and this joins the two.
 *
 * @see YAML 1.2.2; types by its core schema (section 10.3)
 */
export class YamlText {
  readonly #file: string;
  #cost = 0;
  #slips = 0;
  /** The content of each document; `undefined` for one without content. */
  readonly documents: readonly (Node | undefined)[];
  readonly #lines: Lines;
  readonly #offsets = new Map<Node, number>();
  readonly #targets = new Map<AliasNode, Content>();

  /** @throws Failure `recipe-unreadable` where `text` is no YAML; `file` names it in the message. */
  constructor(text: string, file: string) {
    this.#file = file;
    const tooMany = findTooManyMarks(text);
    this.#lines = new Lines(tooMany === undefined ? text : text.slice(0, tooMany.offset));
    this.#refuse(tooMany, file);
    this.#refuse(this.#lines.findLong(RECIPE_LIMITS.characters), file);
    const events = readEvents(text, file);
    this.#refuse(findTooMuch(text, events), file);
    const documents = eventsToAst(events, { source: text, schema: CORE_SCHEMA });
    this.documents = documents.map((document) => document.contents ?? undefined);

    const offsets = new OffsetReader(text, events);
    const anchors = new Map<string, Content>();
    visit(documents, (node, { parent }) => {
      this.#offsets.set(node, offsets.next(parent?.kind === 'sequence'));
      if (node.kind === 'alias') this.#setTarget(node, anchors.get(node.anchor), file);
      else if (node.anchor !== undefined) anchors.set(node.anchor, node);
    });
  }

  /** The node itself, or what it is an alias of. */
  content(node: Node): Content {
    if (node.kind !== 'alias') return node;
    const target = this.#targets.get(node);
    if (target === undefined) throw new Error('an alias of another text');
    return target;
  }

  /** Where `node` begins; for an alias where that stands, not what it is an alias of. */
  positionOf(node: Node): Position {
    return this.#lines.positionAt(this.#offset(node));
  }

  /** What stands on the line of `node`, from there on. */
  lineOf(node: Node): string {
    return this.#lines.restOfLine(this.#offset(node));
  }

  /** The candidate that `word` is most likely a slip for, as long as that is told: looking for it takes its time. */
  nearest(word: string, candidates: readonly string[]): string | undefined {
    this.#slips += 1;
    return this.#slips > RECIPE_LIMITS.problems ? undefined : nearest(word, candidates);
  }

  /**
   * Counts what reading the value of `node` costs.
   *
   * @throws Failure `recipe-unreadable` where all of them together cost more than a recipe may
   */
  spend(cost: number, node: Node): void {
    this.#cost += cost;
    if (this.#cost <= RECIPE_LIMITS.patternCost) return;
    const reason = 'the patterns of tags up to here stand for too many tags and versions together';
    this.#refuse({ offset: this.#offset(node), reason }, this.#file);
  }

  #refuse(tooMuch: TooMuch | undefined, file: string): void {
    if (tooMuch === undefined) return;
    const place = position(file, this.#lines.positionAt(tooMuch.offset));
    throw new Failure('recipe-unreadable', `${place} ${tooMuch.reason}`, {
      hint: 'divide what is there, or make it several recipes',
    });
  }

  #offset(node: Node): number {
    const offset = this.#offsets.get(node);
    if (offset === undefined) throw new Error('a node of another text');
    return offset;
  }

  #setTarget(alias: AliasNode, target: Content | undefined, file: string): void {
    if (target !== undefined) {
      this.#targets.set(alias, target);
      return;
    }
    const place = position(file, this.positionOf(alias));
    throw new Failure(
      'recipe-unreadable',
      `${place} the anchor ${quoted(alias.anchor)} is not defined before`,
      {
        hint: `a value that begins with * is a YAML alias: put it in quotes if it is text`,
      },
    );
  }
}

/** Whether `node` is text: quoted, or plain and of no other type. */
export function isText(node: Content): boolean {
  const tags = ['tag:yaml.org,2002:str', '!!str', '!<tag:yaml.org,2002:str>', '!'];
  return node.kind === 'scalar' && tags.includes(node.tag);
}

/** What kind of value `node` is, in words. */
export function kindOf(node: Content): string {
  if (node.kind === 'sequence') return 'a list';
  if (node.kind === 'mapping') return 'a mapping of keys to values';
  if (isText(node)) return 'text';
  const type = /^(?:tag:yaml\.org,2002:|!!)(null|bool|int|float)$/.exec(node.tag)?.[1];
  if (type === undefined) return `a value of the type ${quoted(node.tag)}`;
  return { null: 'empty', bool: 'a truth value', int: 'a number', float: 'a number' }[type] ?? type;
}

function readEvents(text: string, file: string): Event[] {
  try {
    return parseEvents(text, { filename: file });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const { line = 0, column = 0 } = error.mark ?? {};
    const place = position(file, { line: line + 1, column: column + 1 });
    throw new Failure('recipe-unreadable', `${place} the YAML cannot be read: ${error.reason}`, {
      hint: EXPECTED,
      cause: error,
    });
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
