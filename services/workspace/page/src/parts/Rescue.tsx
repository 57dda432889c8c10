// Says what becomes of recordings that are no longer spoken and not yet all there, wherever one is on the page.
import { useEffect } from "preact/hooks";
import { timeOfDay } from "../format";
import { text } from "../i18n";
import { lookAgain } from "../live";
import { saveAs } from "../save";
import { dismiss, pending, rescue } from "../send/recordings";
import type { Transfer } from "../send/transfer";
import { explain } from "./action";

export function Rescue() {
  useEffect(() => {
    void rescue();
  }, []);
  return (
    <div class="rescue" role="status">
      {pending.value.map((transfer) => (
        <Line key={transfer.kept.id} transfer={transfer} />
      ))}
    </div>
  );
}

function Line({ transfer }: { transfer: Transfer }) {
  const t = text.value;
  const { kept, isRescued } = transfer;
  const state = transfer.state.value;
  const update = transfer.update.value;
  const time = timeOfDay(kept.begunAt);
  useEffect(() => {
    if (state === "sending") return;
    lookAgain();
    // What went as it should needs no words: it stands in the thread.
    if (state === "done" && !isRescued) dismiss(transfer);
  }, [state]);
  if (state === "sending" && !isRescued && transfer.isConnected.value) return null;
  return (
    <p class="connection rescue-line">
      <span>
        {state === "refused"
          ? `${t.rescue.refused(time)} ${transfer.problem === null ? "" : explain(transfer.problem)}`
          : state === "done"
            ? t.rescue.done(time)
            : transfer.isConnected.value
              ? t.rescue.sending(time)
              : t.rescue.waiting(time)}
      </span>
      {state === "done" && update !== null && <a href={`/updates/${update}`}>{t.rescue.open}</a>}
      {state === "refused" && transfer.isWhole && (
        <button type="button" class="link" onClick={() => void transfer.backlog.whole().then((all) => saveAs(fileOf(kept), all))}>
          {t.rescue.save}
        </button>
      )}
      {state !== "sending" && (
        <button type="button" class="link" onClick={() => dismiss(transfer)}>
          {state === "refused" ? t.send.forget : t.close}
        </button>
      )}
    </p>
  );
}

/** "Tidings 2026-11-29 14.05.webm" */
const fileOf = ({ begunAt, mediaType }: Transfer["kept"]) =>
  `Tidings ${begunAt.slice(0, 16).replace("T", " ").replace(":", ".")}.${mediaType.split("/")[1] ?? "webm"}`;
