// Where words stand on the screen. A paragraph is plain text, whose characters are counted: from a click or a selection
// to its word, from a moment to the characters to mark. So a long transcript costs the browser no more than a long text.
import type { Paragraph, Word } from "./paragraphs";
import { lastBefore } from "./sorted";

/** How far from its letters a click still means a word, in pixels. */
const NEAR = { across: 4, along: 8 };

const TEXT = ".paragraph-words > p";

/** A word, and which of the paragraphs it is in. */
export type Place = { index: number; word: Word };

export class Places {
  constructor(
    private readonly box: { current: HTMLElement | null },
    readonly paragraphs: readonly Paragraph[],
  ) {}

  /** The word being said then, or else the first of all. */
  atMoment(ms: number): Place | null {
    return this.atOrBefore(
      lastBefore(this.paragraphs, ms, ({ start }) => (start ?? 0) * 1000),
      (words) => lastBefore(words, ms, (word) => word.ms),
    );
  }

  /** The word under the pointer. */
  atPointer({ clientX: x, clientY: y }: MouseEvent): Place | null {
    const [node, offset] = caretAt(x, y);
    const place = node?.parentElement?.closest(TEXT) ? this.at(node, offset) : null;
    const isNear = ({ left, right, top, bottom }: DOMRect) =>
      x > left - NEAR.across && x < right + NEAR.across && y > top - NEAR.along && y < bottom + NEAR.along;
    return place && [...(this.rangeOf(place)?.getClientRects() ?? [])].some(isNear) ? place : null;
  }

  /** The word at a place of the document, or the one before it; the first of the paragraph from anywhere else in it. */
  at(node: Node, offset: number): Place | null {
    const element = node instanceof Element ? node : node.parentElement;
    const line = element?.closest<HTMLElement>("[data-paragraph]");
    if (!line) return null;
    const text = textOf(line);
    const before = document.createRange();
    if (text?.contains(node)) {
      before.setStart(text, 0);
      before.setEnd(node, offset);
    }
    const at = before.toString().length;
    return this.atOrBefore(
      this.paragraphs.findIndex(({ id }) => id === Number(line.dataset.paragraph)),
      (words) => lastBefore(words, at, ({ from }) => from),
    );
  }

  /** What has to be marked to mark a word. */
  rangeOf({ index, word }: Place): Range | null {
    return this.range(index, word.from, word.to);
  }

  /** Characters of a paragraph as they are drawn; null while it is being corrected. */
  range(index: number, from: number, to: number): Range | null {
    const text = textOf(this.box.current?.children[index]);
    if (!text) return null;
    const range = document.createRange();
    const nodes = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
    for (let at = 0; nodes.nextNode(); ) {
      const { length } = nodes.currentNode as Text;
      if (from >= at && from < at + length) range.setStart(nodes.currentNode, from - at);
      if (to <= at + length) {
        range.setEnd(nodes.currentNode, to - at);
        return range;
      }
      at += length;
    }
    return null;
  }

  private atOrBefore(paragraph: number, wordOf: (words: readonly Word[]) => number): Place | null {
    const index = Math.max(0, paragraph);
    const words = this.paragraphs[index]?.words ?? [];
    const word = words[Math.max(0, wordOf(words))];
    return word === undefined ? null : { index, word };
  }
}

const textOf = (line: Element | undefined) => line?.querySelector(TEXT);

function caretAt(x: number, y: number): [Node | null, number] {
  if (document.caretPositionFromPoint) {
    const caret = document.caretPositionFromPoint(x, y);
    return [caret?.offsetNode ?? null, caret?.offset ?? 0];
  }
  // All that Safari has had for long.
  const range = document.caretRangeFromPoint(x, y);
  return [range?.startContainer ?? null, range?.startOffset ?? 0];
}

/** Mark these characters by a name the style sheet knows, without touching the elements they are in. */
export function mark(name: string, ranges: readonly (Range | null)[]): void {
  const all = ranges.filter((range) => range !== null);
  if (all.length > 0) CSS.highlights?.set(name, new Highlight(...all));
  else CSS.highlights?.delete(name);
}

/** Bring it to the middle of the window. */
export function centre(range: Range | null, behavior: ScrollBehavior = "auto"): void {
  if (range === null) return;
  const { top, height } = range.getBoundingClientRect();
  scrollBy({ top: top + (height - innerHeight) / 2, behavior });
}
