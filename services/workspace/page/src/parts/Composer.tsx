// Where an update begins: files, or written words.
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import * as api from "../api/client";
import { RequestKeys } from "../api/keys";
import { announce } from "../announce";
import { takeFocus } from "../focus";
import { text } from "../i18n";
import { forget, sendFile, unfinished, uploads } from "../send/uploads";
import { canRecord, occasion } from "../studio/open";
import { complain } from "./action";
import { CameraIcon, PenIcon, UploadIcon } from "./icons";

const MEDIA = "audio/*,video/*,.mkv,.opus,.mov,.m4a";
const MEDIA_NAME = /\.(mp4|m4v|mov|mkv|webm|mp3|m4a|aac|ogg|oga|opus|wav|flac|aiff?|wma|avi|3gp)$/i;

type ComposerProps = { thread: string; replyTo?: string | null; posted: () => void };

/** For a new update of a thread, or one that answers another. */
export function Composer({ thread, replyTo = null, posted }: ComposerProps) {
  const t = text.value.send;
  const isWriting = useSignal(false);
  const isOver = useSignal(false);
  const chooser = useRef<HTMLInputElement>(null);

  const send = (files: Iterable<File>) => {
    for (const file of files) {
      if (!/^(audio|video)\//.test(file.type) && !MEDIA_NAME.test(file.name)) {
        announce(t.notMedia(file.name));
        continue;
      }
      sendFile(file, thread, replyTo)
        .then(() => announce(t.done(file.name)))
        .catch(complain)
        .finally(posted);
    }
  };

  useEffect(() => {
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      isOver.value = true;
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) isOver.value = false;
    };
    const drop = (event: DragEvent) => {
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      isOver.value = false;
      send(event.dataTransfer.files);
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  });

  const isOnItsWay = (update: string) => (uploads.value[update]?.state ?? "failed") !== "failed";
  const interrupted = unfinished.value.filter((each) => each.thread === thread && !isOnItsWay(each.update));
  return (
    <section class="composer" aria-label={t.heading}>
      {isOver.value && <div class="drop-here">{t.dropHere}</div>}
      {isWriting.value ? (
        <Writing
          thread={thread}
          replyTo={replyTo}
          done={() => {
            isWriting.value = false;
            posted();
          }}
          cancel={() => {
            isWriting.value = false;
          }}
        />
      ) : (
        <div class="composer-row">
          {canRecord && (
            <button
              type="button"
              class="button"
              onClick={() => {
                occasion.value = { thread, replyTo };
              }}
            >
              <CameraIcon />
              {text.value.record.start}
            </button>
          )}
          <button type="button" class={`button ${canRecord ? "quiet" : ""}`} onClick={() => chooser.current?.click()}>
            <UploadIcon />
            {t.files}
          </button>
          <button
            type="button"
            class="button quiet"
            onClick={() => {
              isWriting.value = true;
            }}
          >
            <PenIcon />
            {t.write}
          </button>
          <span class="faint wide-only">{t.drop}</span>
          <input
            ref={chooser}
            type="file"
            multiple
            hidden
            accept={MEDIA}
            onChange={(event) => {
              send([...(event.currentTarget.files ?? [])]);
              event.currentTarget.value = "";
            }}
          />
        </div>
      )}
      {interrupted.map((each) => (
        <p key={each.update} class="state">
          <span>{t.chooseAgain(each.name)}</span>
          <button type="button" class="button quiet small" onClick={() => forget(each.update)}>
            {t.forget}
          </button>
        </p>
      ))}
    </section>
  );
}

type WritingProps = { thread: string; replyTo: string | null; done: () => void; cancel: () => void };

function Writing({ thread, replyTo, done, cancel }: WritingProps) {
  const t = text.value;
  const draft = useSignal("");
  const isBusy = useSignal(false);
  const keys = useMemo(() => new RequestKeys(), []);
  return (
    <form
      onSubmit={async (event) => {
        event.preventDefault();
        if (!draft.value.trim() || isBusy.value) return;
        isBusy.value = true;
        try {
          const body = { text: draft.value, reply_to: replyTo };
          await api.write(thread, body, keys.of(body));
          done();
        } catch (error) {
          complain(error);
        }
        isBusy.value = false;
      }}
    >
      <label class="field">
        {t.send.text}
        <textarea
          rows={5}
          required
          maxLength={20000}
          value={draft.value}
          ref={takeFocus}
          onInput={(event) => {
            draft.value = event.currentTarget.value;
          }}
        />
      </label>
      <div class="composer-row">
        <button class="button" disabled={isBusy.value}>
          {t.send.post}
        </button>
        <button type="button" class="button quiet" onClick={cancel}>
          {t.cancel}
        </button>
      </div>
    </form>
  );
}
