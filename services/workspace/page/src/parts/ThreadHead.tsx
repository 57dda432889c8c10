// A thread's title and outcome; members rename, conclude and reopen it here.
import { useSignal } from "@preact/signals";
import { changeThread } from "../api/client";
import type { Thread } from "../api/types";
import { announce } from "../announce";
import { ago, exact } from "../format";
import { text } from "../i18n";
import { teams } from "../session";
import { ActionForm, Confirm } from "./action";

type Change = Parameters<typeof changeThread>[1];

export function ThreadHead({ thread, reload }: { thread: Thread; reload: () => void }) {
  const t = text.value;
  const doing = useSignal<"nothing" | "renaming" | "concluding">("nothing");
  const role = teams.value.find((each) => each.id === thread.team_id)?.role;
  const mayChange = role === "owner" || role === "member";
  const isOpen = thread.concluded_at === null;
  const stop = () => {
    doing.value = "nothing";
  };
  const change = async (wanted: Change) => {
    try {
      await changeThread(thread.id, wanted);
      stop();
    } finally {
      reload();
    }
  };
  return (
    <header class="thread-head">
      {doing.value === "renaming" ? (
        <Line
          name={t.thread.title}
          value={thread.title}
          submit={t.settings.save}
          maxLength={200}
          act={(title) => change({ title })}
          stop={stop}
        />
      ) : (
        <div class="thread-title-row">
          <h1>{thread.title}</h1>
          {mayChange && doing.value === "nothing" && (
            <p class="thread-acts">
              <button type="button" class="link faint" onClick={() => (doing.value = "renaming")}>
                {t.thread.rename}
              </button>
              {isOpen && (
                <button type="button" class="link faint" onClick={() => (doing.value = "concluding")}>
                  {t.thread.conclude}
                </button>
              )}
            </p>
          )}
        </div>
      )}
      {doing.value === "concluding" ? (
        <Line
          name={t.thread.outcome}
          value={thread.conclusion ?? ""}
          hint={t.thread.outcomeHint}
          help={t.thread.concludeHelp}
          submit={isOpen ? t.thread.conclude : t.settings.save}
          maxLength={2000}
          act={async (conclusion) => {
            await change({ concluded: true, conclusion });
            announce(t.thread.concludedNow);
          }}
          stop={stop}
        />
      ) : (
        thread.concluded_at !== null && (
          <div class="conclusion">
            <p class="faint">
              <time dateTime={thread.concluded_at} title={exact(thread.concluded_at)}>
                {t.thread.concludedOn(ago(thread.concluded_at))}
              </time>
            </p>
            {thread.conclusion && <p class="outcome">{thread.conclusion}</p>}
            {mayChange && (
              <p class="thread-acts">
                <button type="button" class="link" onClick={() => (doing.value = "concluding")}>
                  {t.thread.reword}
                </button>
                <Confirm
                  label={t.thread.reopen}
                  question={t.thread.reopenSure}
                  help={t.thread.reopenHelp}
                  done={t.thread.reopened}
                  act={() => change({ concluded: false })}
                />
              </p>
            )}
          </div>
        )
      )}
    </header>
  );
}

type LineProps = {
  name: string;
  value: string;
  hint?: string;
  help?: string;
  submit: string;
  maxLength: number;
  act: (line: string) => Promise<void>;
  stop: () => void;
};

/** One line to write, in the place of what it changes. */
function Line({ name, value, hint, help, submit, maxLength, act, stop }: LineProps) {
  return (
    <ActionForm class="line-form" submit={submit} act={(form) => act(String(form.get("line")).trim())} cancel={stop}>
      <label>
        {name}
        <input
          name="line"
          required
          maxLength={maxLength}
          placeholder={hint}
          defaultValue={value}
          autocomplete="off"
          ref={(input) => {
            if (input && document.activeElement === document.body) input.focus();
          }}
        />
      </label>
      {help && <p class="faint">{help}</p>}
    </ActionForm>
  );
}
