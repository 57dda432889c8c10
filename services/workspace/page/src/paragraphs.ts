// A transcript as paragraphs: a new speaker, another language, a pause or a full paragraph begins the next.
import type { Segment } from "./api/types";

const PAUSE_S = 2;
const PARAGRAPH_CHARACTERS = 600;

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
      });
      length = 0;
    } else last.segments.push(segment);
    length += segment.text.length;
    before = segment;
  }
  return paragraphs;
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
