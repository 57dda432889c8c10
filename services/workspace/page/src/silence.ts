// Where nobody speaks for so long that a hurried listener may be taken past it.
import type { Segment } from "./api/types";
import { lastBefore } from "./sorted";

const SHORTEST_MS = 1_500;
/** Left standing at both ends, so that words keep their beginning and their breath. */
const MARGIN_MS = 300;

/** From and to, in milliseconds. */
export type Silence = readonly [number, number];

export function silencesOf(segments: readonly Segment[], durationMs: number): Silence[] {
  const silences: Silence[] = [];
  let reached = 0;
  const until = (start: number) => {
    if (start - reached >= SHORTEST_MS) silences.push([reached + (reached && MARGIN_MS), start - MARGIN_MS]);
  };
  for (const { words } of segments) {
    for (const { start, end } of words) {
      until(start * 1000);
      reached = Math.max(reached, end * 1000);
    }
  }
  // After the last word only the end is left to come.
  if (reached > 0) until(durationMs);
  return silences;
}

/** The silence that lasts at this moment, if one does. */
export function silenceAt(silences: readonly Silence[], ms: number): Silence | undefined {
  const last = silences[lastBefore(silences, ms, ([from]) => from)];
  return last !== undefined && ms < last[1] ? last : undefined;
}
