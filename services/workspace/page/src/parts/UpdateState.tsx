// How far an update has come, in words and as a bar.
import { signal } from "@preact/signals";
import { Problem } from "../api/client";
import type { Update } from "../api/types";
import { clock } from "../format";
import { text } from "../i18n";
import { onChange } from "../live";
import { uploads } from "../send/uploads";
import { explain } from "./action";

/** Update id → how many milliseconds are in words already. */
export const known = signal<Record<string, number>>({});

onChange(({ type, data }) => {
  if (!type.startsWith("tidings.transcript.grew.")) return;
  known.value = { ...known.value, [String(data.update_id)]: Number(data.known_ms) };
});

type Told = { sentence: string; share?: number; isProblem?: boolean };

export function told(update: Update): Told | null {
  const t = text.value;
  const upload = uploads.value[update.id];
  if (upload?.state === "sending") {
    const share = upload.total ? upload.sent / upload.total : 0;
    return { sentence: t.states.sending(Math.floor(share * 100)), share };
  }
  if (upload?.state === "interrupted") return { sentence: t.states.paused };
  if (update.problem !== null) {
    return { sentence: explain(new Problem(update.problem.code, update.problem.detail ?? "", 410)), isProblem: true };
  }
  const { state, duration_ms } = update.recording;
  if (state === "waiting" || state === "arriving") {
    const ms = known.value[update.id];
    return { sentence: ms ? `${t.states[state]} · ${t.states.transcribedTo(clock(ms))}` : t.states[state] };
  }
  if (update.transcript.state === "waiting" || update.transcript.state === "growing") {
    const ms = known.value[update.id] ?? 0;
    if (ms > 0 && duration_ms) return { sentence: t.states.transcribedTo(clock(ms)), share: ms / duration_ms };
    return { sentence: t.states.transcribing };
  }
  if (state === "arrived") return { sentence: t.states.arrived };
  if (update.summary.state === "waiting") return { sentence: t.states.summarising };
  return null;
}

export function UpdateState({ update }: { update: Update }) {
  const now = told(update);
  if (now === null) return null;
  return (
    <div class={`state ${now.isProblem ? "is-problem" : "is-working"}`} role="status">
      <span>{now.sentence}</span>
      {now.share !== undefined && <progress max={1} value={now.share} aria-label={now.sentence} />}
    </div>
  );
}
