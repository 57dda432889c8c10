import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { takeFocus } from "../focus";
import { clock } from "../format";
import { text } from "../i18n";
import { LiveText } from "../parts/LiveText";
import type { Take } from "./take";

const COUNT_FROM = 3;
const STEP_MS = 1_000;

/** Three, two, one: time to breathe in. */
export function Countdown({ done }: { done: () => void }) {
  const t = text.value.record;
  const left = useSignal(COUNT_FROM);
  useEffect(() => {
    if (left.value === 0) return done();
    const timer = setTimeout(() => {
      left.value -= 1;
    }, STEP_MS);
    return () => clearTimeout(timer);
  }, [left.value]);
  return (
    <div class="countdown">
      <p aria-live="assertive">
        <span class="unseen">{t.startsIn(left.value)}</span>
        <span key={left.value} class="countdown-number" aria-hidden="true">
          {left.value}
        </span>
      </p>
      <button
        type="button"
        class="button"
        ref={takeFocus}
        onClick={() => {
          left.value = 0;
        }}
      >
        {t.now}
      </button>
    </div>
  );
}

/** While it records: how long, what is understood, and every way out. */
export function Recording({ take, redo, discard }: { take: Take; redo: () => void; discard: () => void }) {
  const t = text.value.record;
  const { transfer } = take;
  const isPaused = take.state.value === "paused";
  const update = transfer.update.value;
  return (
    <>
      <div class="studio-row">
        <span class={`record-light ${isPaused ? "" : "is-on"}`} />
        <span class="record-time">{clock(take.elapsedMs.value)}</span>
        <span class="faint grow" role="status">
          {sentence(take)}
        </span>
      </div>
      <div class="live-place">
        <p class="faint live-hint">{t.wordsHere}</p>
        {update !== null && <LiveText update={update} />}
      </div>
      <div class="studio-row">
        <button
          type="button"
          class="button"
          autofocus
          ref={(button) => {
            if (button !== null && !(document.activeElement instanceof HTMLButtonElement)) button.focus();
          }}
          onClick={() => take.stop()}
        >
          {t.stop}
        </button>
        <button type="button" class="button quiet" onClick={() => (isPaused ? take.resume() : take.pause())}>
          {isPaused ? t.resume : t.pause}
        </button>
        <span class="grow" />
        <button type="button" class="button quiet" onClick={redo}>
          {t.redo}
        </button>
        <button type="button" class="button quiet" onClick={discard}>
          {t.discard}
        </button>
      </div>
    </>
  );
}

function sentence({ transfer, state }: Take): string {
  const t = text.value.record;
  if (transfer.state.value === "refused") return t.refused;
  const isFull = !transfer.backlog.isKept.value;
  if (!transfer.isConnected.value) return isFull ? t.fullAndInterrupted : t.interrupted;
  if (isFull) return t.full;
  return state.value === "paused" ? t.paused : t.live;
}
