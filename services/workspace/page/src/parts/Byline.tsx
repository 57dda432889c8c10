import type { Update } from "../api/types";
import { ago, duration, exact, readingMs, readingMsOfSpeech, wordCount } from "../format";
import { text } from "../i18n";

/** Who, when, and how long it takes. */
export function Byline({ update, words }: { update: Update; words?: number | undefined }) {
  const t = text.value.update;
  const spoken = update.recording.duration_ms;
  const reading =
    words !== undefined
      ? readingMs(words)
      : update.text !== null
        ? readingMs(wordCount(update.text))
        : spoken !== null && update.transcript.state === "complete"
          ? readingMsOfSpeech(spoken)
          : null;
  return (
    <p class="byline">
      <strong>{update.author.name}</strong>
      <time dateTime={update.posted_at} title={exact(update.posted_at)}>
        {ago(update.posted_at)}
      </time>
      {spoken !== null && (
        <span>{update.recording.has_video ? t.watch(duration(spoken)) : t.listen(duration(spoken))}</span>
      )}
      {reading !== null && <span>{t.read(duration(reading))}</span>}
    </p>
  );
}
