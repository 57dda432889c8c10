// A paragraph being corrected, where it stands. Enter or Ctrl+S saves, Escape leaves it as it was.
import { useSignal, type Signal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import * as api from "../api/client";
import { RequestKeys } from "../api/keys";
import type { Correction } from "../api/types";
import { announce } from "../announce";
import { changesBetween, piecesOf } from "../corrections";
import { ago, exact } from "../format";
import { text } from "../i18n";
import type { Paragraph } from "../paragraphs";
import { Failure, useAction } from "./action";
import type { Editing } from "./Paragraph";

type Props = {
  paragraph: Paragraph;
  editing: Signal<Editing | null>;
  corrections: ReadonlyMap<string, Correction>;
  save: (changed: () => Promise<unknown>) => Promise<void>;
  update: string;
};

export function Correcting({ paragraph, editing, corrections, save, update }: Props) {
  const t = text.value.transcript;
  const area = useRef<HTMLTextAreaElement>(null);
  // As it was when editing began: whoever changes the same words meanwhile is not overwritten.
  const [pieces] = useState(() => piecesOf(paragraph.segments));
  const draft = useSignal(pieces.map((piece) => piece.text).join(" "));
  const action = useAction();
  // Where one of several fails, those before it are made already.
  const keys = useMemo(() => new RequestKeys(), []);
  const made = useMemo(() => {
    const ids = new Set(paragraph.segments.flatMap((segment) => segment.words.map((word) => word.correction)));
    return [...corrections.values()].filter((correction) => ids.has(correction.id));
  }, [paragraph, corrections]);

  useLayoutEffect(() => {
    const ms = editing.peek()?.ms ?? 0;
    const index = Math.max(0, pieces.findLastIndex((piece) => piece.start <= ms));
    const from = pieces.slice(0, index).reduce((sum, piece) => sum + piece.text.length + 1, 0);
    area.current?.focus();
    area.current?.setSelectionRange(from, from + (pieces[index]?.text.length ?? 0));
  }, []);

  const close = () => {
    editing.value = null;
  };
  const keep = () =>
    void action.run(async () => {
      if (draft.value.trim() === "") throw new api.Problem("words-missing", "", 422);
      const changes = changesBetween(pieces, draft.value);
      await save(async () => {
        for (const change of changes) await api.correct(update, change, keys.of(change));
      });
      if (changes.length > 0) announce(t.corrected);
      close();
    });
  const withdraw = (correction: Correction) =>
    void action.run(async () => {
      await save(() => api.withdrawCorrection(correction.id));
      announce(t.withdrawn);
      close();
    });
  return (
    <form
      class="correcting"
      onSubmit={(event) => {
        event.preventDefault();
        keep();
      }}
      onKeyDown={(event) => {
        const isSave = event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey);
        if (event.key === "Escape") close();
        else if (isSave || (event.key === "Enter" && event.target === area.current)) {
          event.preventDefault();
          keep();
        }
      }}
    >
      <textarea
        ref={area}
        aria-label={t.correct}
        aria-describedby="correcting-help"
        rows={Math.ceil(draft.value.length / 56) + 1}
        value={draft.value}
        onInput={(event) => {
          draft.value = event.currentTarget.value;
        }}
      />
      <p class="faint" id="correcting-help">
        {t.correctHelp}
      </p>
      {made.length > 0 && (
        <ul class="corrections">
          {made.map((correction) => (
            <li key={correction.id}>
              <span>
                {t.heardAs(correction.original, correction.author_name)}{" "}
                <time class="faint" dateTime={correction.made_at} title={exact(correction.made_at)}>
                  {ago(correction.made_at)}
                </time>
              </span>
              <button type="button" class="link" onClick={() => withdraw(correction)}>
                {t.undo}
                <span class="unseen">, {correction.replacement}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <Failure of={action} />
      <div class="composer-row">
        <button class="button small" disabled={action.isBusy.value}>
          {t.save}
        </button>
        <button type="button" class="button quiet small" onClick={close}>
          {text.value.cancel}
        </button>
      </div>
    </form>
  );
}
