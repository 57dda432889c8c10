// A transcript as paragraphs: a new speaker, another language, a pause or a full paragraph begins the next.
import type { Segment } from "./api/types";
import { spaced } from "./corrections";

const PAUSE_S = 2;
const PARAGRAPH_CHARACTERS = 600;

/** A word as it stands in the text of its paragraph: from, to, and when it is said. */
export type Word = {
  from: number;
  to: number;
  ms: number;
  /** How sure recognition was; whole sentences without words count as sure. */
  probability: number;
  correction: string | null;
};

export type Paragraph = {
  id: number;
  start: number | null;
  /** Null where the paragraph before has the same. */
  speaker: string | null;
  /** The language, where it is not that of the whole. */
  tongue: string | null;
  /** True where the reader should be told of it. */
  namesTongue: boolean;
  segments: Segment[];
  text: string;
  words: Word[];
};

export function paragraphsOf(segments: readonly Segment[], language: string | null): Paragraph[] {
  const paragraphs: Paragraph[] = [];
  let length = 0;
  let before: Segment | null = null;
  for (const segment of segments) {
    const last = paragraphs.at(-1);
    const pause = before !== null && segment.start !== null && before.end !== null && segment.start - before.end >= PAUSE_S;
    const other = before?.speaker !== segment.speaker || before.language !== segment.language;
    if (last === undefined || pause || other || length > PARAGRAPH_CHARACTERS) {
      const tongue = segment.language !== null && segment.language !== language ? segment.language : null;
      paragraphs.push({
        id: segment.id,
        start: segment.start,
        speaker: before?.speaker === segment.speaker ? null : segment.speaker,
        tongue,
        namesTongue: tongue !== null && before?.language !== segment.language,
        segments: [segment],
        text: "",
        words: [],
      });
      length = 0;
    } else last.segments.push(segment);
    length += segment.text.length;
    before = segment;
  }
  for (const paragraph of paragraphs) write(paragraph);
  return paragraphs;
}

function write(paragraph: Paragraph): void {
  const add = (said: string, isGlued: boolean) => {
    if (paragraph.text !== "" && !isGlued) paragraph.text += " ";
    paragraph.text += said;
    return { from: paragraph.text.length - said.length, to: paragraph.text.length };
  };
  for (const segment of paragraph.segments) {
    if (segment.words.length === 0) {
      const place = add(segment.text.trim(), false);
      if (segment.start !== null) paragraph.words.push({ ...place, ms: Math.round(segment.start * 1000), probability: 1, correction: null });
    }
    for (const { word, isGlued } of spaced(segment)) {
      const { start, probability, correction } = word;
      paragraph.words.push({ ...add(word.word.trim(), isGlued), ms: Math.round(start * 1000), probability, correction: correction ?? null });
    }
  }
}

/** The new paragraphs, but the old ones where nothing changed: what is the same need not be drawn again. */
export function reusing(old: readonly Paragraph[], fresh: Paragraph[]): Paragraph[] {
  const known = new Map(old.map((paragraph) => [paragraph.id, paragraph]));
  return fresh.map((paragraph) => {
    const before = known.get(paragraph.id);
    return before !== undefined && isSame(before, paragraph) ? before : paragraph;
  });
}

function isSame(one: Paragraph, other: Paragraph): boolean {
  return (
    one.speaker === other.speaker &&
    one.tongue === other.tongue &&
    one.namesTongue === other.namesTongue &&
    one.segments.length === other.segments.length &&
    one.segments.every((segment, index) => JSON.stringify(segment) === JSON.stringify(other.segments[index]))
  );
}
