// Who speaks: a number until somebody says the name, which then holds for this update alone.
import { useSignal } from "@preact/signals";
import * as api from "../api/client";
import { takeFocus } from "../focus";
import { text } from "../i18n";
import { complain } from "./action";

type Props = {
  update: string;
  /** What the voices were told apart by; null where nobody did. */
  label: string | null;
  name: string;
  mayName: boolean;
  save: (changed: () => Promise<unknown>) => Promise<void>;
};

export function SpeakerName({ update, label, name, mayName, save }: Props) {
  const t = text.value.transcript;
  const isNaming = useSignal(false);
  const number = name === label ? /^S(\d+)$/.exec(name)?.[1] : undefined;
  const shown = number === undefined ? name : t.speaker(number);
  if (label === null || !mayName) return <strong>{shown}</strong>;
  if (!isNaming.value) {
    return (
      <button
        type="button"
        class="speaker-name"
        aria-label={t.nameSpeaker(shown)}
        title={t.nameSpeaker(shown)}
        onClick={() => {
          isNaming.value = true;
        }}
      >
        <strong>{shown}</strong>
      </button>
    );
  }
  return (
    <form
      class="speaker-form"
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") isNaming.value = false;
      }}
      onSubmit={async (event) => {
        event.preventDefault();
        const given = String(new FormData(event.currentTarget).get("name") ?? "").trim();
        try {
          await save(() => api.nameSpeaker(update, label, given || null));
          isNaming.value = false;
        } catch (error) {
          complain(error);
        }
      }}
    >
      <input
        name="name"
        aria-label={t.speakersName}
        placeholder={t.speakersName}
        defaultValue={number === undefined ? name : ""}
        maxLength={120}
        ref={takeFocus}
      />
      <button type="submit" class="button small">
        {t.saveName}
      </button>
    </form>
  );
}
