// Having a recording put into words again: a quiet offer, and how it stands.
import { useSignal } from "@preact/signals";
import * as api from "../api/client";
import { newKey } from "../api/keys";
import type { Update } from "../api/types";
import { languageName } from "../format";
import { language, text } from "../i18n";
import { complain } from "./action";

/** What people most often speak here; whatever else is spoken is found by listening. */
const OFFERED = ["en", "de", "nl", "fr", "es", "it", "pt", "pl", "tr", "uk"];

const isHere = (update: Update) =>
  ["arrived", "ready"].includes(update.recording.state) && ["complete", "failed"].includes(update.transcript.state);

export function Renewal({ update, refresh }: { update: Update; refresh: () => void }) {
  const t = text.value.transcript;
  const isOpen = useSignal(false);
  const spoken = useSignal("");
  if (!isHere(update)) return null;
  if (update.transcript.renewal === "waiting") {
    return (
      <p class="state is-working" role="status">
        <span>{t.renewing}</span>
      </p>
    );
  }
  if (!isOpen.value) {
    return (
      <>
        {update.transcript.renewal === "failed" && <p class="faint">{t.renewalFailed}</p>}
        <p>
          <button
            type="button"
            class="link faint"
            onClick={() => {
              isOpen.value = true;
            }}
          >
            {t.renew}
          </button>
        </p>
      </>
    );
  }
  const names = new Intl.Collator(language.value);
  return (
    <form
      class="state renewal"
      onSubmit={async (event) => {
        event.preventDefault();
        try {
          await api.renewTranscript(update.id, spoken.value || null, newKey());
          isOpen.value = false;
          refresh();
        } catch (error) {
          complain(error);
        }
      }}
    >
      <label>
        {t.spokenIn}
        <select
          value={spoken.value}
          onChange={(event) => {
            spoken.value = event.currentTarget.value;
          }}
        >
          <option value="">{t.byListening}</option>
          {OFFERED.map((code) => ({ code, name: languageName(code) }))
            .sort((a, b) => names.compare(a.name, b.name))
            .map(({ code, name }) => (
              <option key={code} value={code}>
                {name}
              </option>
            ))}
        </select>
      </label>
      <button type="submit" class="button small">
        {t.renewYes}
      </button>
      <button
        type="button"
        class="button quiet small"
        onClick={() => {
          isOpen.value = false;
        }}
      >
        {text.value.cancel}
      </button>
      <small class="faint">{t.renewHelp}</small>
    </form>
  );
}
