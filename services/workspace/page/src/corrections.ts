// What somebody changed in some text, as the fewest words that have to be corrected.
import type { Segment } from "./api/types";

/** A piece of text between blanks, and when it is said. */
export type Piece = { text: string; start: number; end: number };
export type Change = { start_ms: number; end_ms: number; original: string; replacement: string };

/** Words with what the sentence has between them: "open", "-source" is written without a space. */
export function spaced({ text: sentence, words }: Segment) {
  let end = 0;
  return words.map((word) => {
    const at = sentence.indexOf(word.word.trim(), end);
    const isGlued = at >= 0 && at === end && end > 0;
    if (at >= 0) end = at + word.word.trim().length;
    return { word, isGlued };
  });
}

export function piecesOf(segments: readonly Segment[]): Piece[] {
  const pieces: Piece[] = [];
  for (const segment of segments) {
    for (const { word, isGlued } of spaced(segment)) {
      const last = pieces.at(-1);
      const [start, end] = [Math.round(word.start * 1000), Math.round(word.end * 1000)];
      if (isGlued && last !== undefined) Object.assign(last, { text: last.text + word.word.trim(), end });
      else pieces.push({ text: word.word.trim(), start, end });
    }
  }
  return pieces;
}

type Hunk = { from: number; to: number; words: string[] };

export function changesBetween(pieces: readonly Piece[], edited: string): Change[] {
  const words = edited.split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  return joined(differing(pieces, words).map((hunk) => anchored(hunk, pieces))).map(({ from, to, words: said }) => ({
    start_ms: pieces[from]?.start ?? 0,
    end_ms: pieces[to - 1]?.end ?? 0,
    original: pieces
      .slice(from, to)
      .map((piece) => piece.text)
      .join(" "),
    replacement: said.join(" "),
  }));
}

/** The stretches that differ, by the longest common run of words. */
function differing(pieces: readonly Piece[], words: readonly string[]): Hunk[] {
  const common = Array.from({ length: pieces.length + 1 }, () => new Uint16Array(words.length + 1));
  const at = (row: number, column: number) => common[row]?.[column] ?? 0;
  for (let row = pieces.length - 1; row >= 0; row -= 1) {
    for (let column = words.length - 1; column >= 0; column -= 1) {
      const line = common[row] as Uint16Array;
      line[column] =
        pieces[row]?.text === words[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const hunks: Hunk[] = [];
  let [row, column] = [0, 0];
  let open: Hunk | null = null;
  while (row < pieces.length || column < words.length) {
    if (row < pieces.length && column < words.length && pieces[row]?.text === words[column]) {
      open = null;
      row += 1;
      column += 1;
      continue;
    }
    if (open === null) hunks.push((open = { from: row, to: row, words: [] }));
    if (column >= words.length || (row < pieces.length && at(row + 1, column) >= at(row, column + 1))) open.to = row += 1;
    else open.words.push(words[column++] as string);
  }
  return hunks;
}

/** What was only put in, or only left out, takes a neighbour along: a correction needs words on both sides. */
function anchored({ from, to, words }: Hunk, pieces: readonly Piece[]): Hunk {
  if (from < to && words.length > 0) return { from, to, words };
  if (from > 0) return { from: from - 1, to, words: [pieces[from - 1]?.text ?? "", ...words] };
  return { from, to: to + 1, words: [...words, pieces[to]?.text ?? ""] };
}

function joined(hunks: Hunk[]): Hunk[] {
  const result: Hunk[] = [];
  for (const hunk of hunks) {
    const last = result.at(-1);
    // Only the very first takes the word after it along, which the second may take as the one before.
    if (last !== undefined && hunk.from < last.to) Object.assign(last, { to: hunk.to, words: [...last.words, ...hunk.words.slice(1)] });
    else result.push({ ...hunk });
  }
  return result;
}
