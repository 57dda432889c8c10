// Words of a sentence that is still being spoken: shown at once, fainter, until the settled ones come.
import { signal } from "@preact/signals";
import type { Segment } from "./api/types";
import { onChange } from "./live";

type Draft = { start_ms: number; text: string };

const TOLD_IN_MS = 300;

/** Update id → what was heard last. */
const drafts = signal<Record<string, readonly Draft[]>>({});

onChange(({ type, data }) => {
  const update = String(data.update_id);
  if (type.startsWith("tidings.transcript.heard.")) {
    drafts.value = { ...drafts.value, [update]: data.segments as Draft[] };
  } else if (/^tidings\.(transcript\.(completed|failed)|update\.removed)\./.test(type)) {
    const { [update]: _, ...others } = drafts.value;
    drafts.value = others;
  }
});

/** What was heard behind the last settled word, or nothing. */
export function draftOf(update: string, settled: readonly Segment[]): string {
  const settledMs = (settled.at(-1)?.end ?? 0) * 1000;
  return (drafts.value[update] ?? [])
    .filter((draft) => draft.start_ms >= settledMs - TOLD_IN_MS)
    .map((draft) => draft.text.trim())
    .join(" ");
}
