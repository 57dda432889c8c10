import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import * as api from "../api/client";
import { RequestKeys } from "../api/keys";
import type { Comment } from "../api/types";
import { announce } from "../announce";
import { takeFocus } from "../focus";
import { ago, clock, exact } from "../format";
import { text } from "../i18n";
import type { Playback } from "../playback";
import { useResource } from "../resource";
import { complain } from "./action";
import { PlayIcon } from "./icons";
import { Loading, Trouble } from "./states";

export function Comments({ update, playback }: { update: string; playback: Playback | null }) {
  const t = text.value.comments;
  const { data, problem, reload } = useResource(
    `comments/${update}`,
    () => api.comments(update),
    ({ type, data: change }) => type.startsWith("tidings.comment.") && change.update_id === update,
  );
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (data === null || location.hash !== "#comments") return;
    heading.current?.scrollIntoView();
    heading.current?.focus({ preventScroll: true });
  }, [data !== null]);
  const heads = data?.filter((comment) => comment.parent_id === null) ?? [];
  return (
    <section id="comments" class="comments" aria-labelledby="comments-heading">
      <h2 id="comments-heading" ref={heading} tabIndex={-1}>
        {t.heading}
      </h2>
      {data === null && problem === null && <Loading />}
      {data === null && problem !== null && <Trouble problem={problem} retry={reload} />}
      {data?.length === 0 && <p class="faint">{t.none}</p>}
      <ol>
        {heads.map((head) => (
          <Conversation
            key={head.id}
            head={head}
            replies={data?.filter((comment) => comment.parent_id === head.id) ?? []}
            playback={playback}
            posted={reload}
          />
        ))}
      </ol>
      <Writing update={update} parent={null} playback={playback} posted={reload} />
    </section>
  );
}

type ConversationProps = { head: Comment; replies: Comment[]; playback: Playback | null; posted: () => void };

function Conversation({ head, replies, playback, posted }: ConversationProps) {
  const t = text.value.comments;
  const isReplying = useSignal(false);
  return (
    <li>
      <Said comment={head} playback={playback} />
      {replies.length > 0 && (
        <ol>
          {replies.map((reply) => (
            <li key={reply.id}>
              <Said comment={reply} playback={playback} />
            </li>
          ))}
        </ol>
      )}
      {isReplying.value ? (
        <Writing
          update={head.update_id}
          parent={head}
          playback={null}
          posted={() => {
            isReplying.value = false;
            posted();
          }}
        />
      ) : (
        <button
          type="button"
          class="link"
          onClick={() => {
            isReplying.value = true;
          }}
        >
          {t.reply}
          <span class="unseen">, {head.author.name}</span>
        </button>
      )}
    </li>
  );
}

function Said({ comment, playback }: { comment: Comment; playback: Playback | null }) {
  const t = text.value;
  const at = comment.at_ms;
  return (
    <div class="comment">
      <p class="byline">
        <strong>{comment.author.name}</strong>
        <time dateTime={comment.posted_at} title={exact(comment.posted_at)}>
          {ago(comment.posted_at)}
        </time>
        {at !== null && playback !== null && (
          <button type="button" class="chip" aria-label={t.update.playFrom(clock(at))} onClick={() => playback.seek(at, true)}>
            <PlayIcon />
            {clock(at)}
          </button>
        )}
      </p>
      <p class={comment.is_removed ? "faint" : "written"}>{comment.is_removed ? t.comments.removed : comment.text}</p>
    </div>
  );
}

type WritingProps = { update: string; parent: Comment | null; playback: Playback | null; posted: () => void };

function Writing({ update, parent, playback, posted }: WritingProps) {
  const t = text.value;
  const draft = useSignal("");
  const isAtMoment = useSignal(false);
  const atMs = useSignal<number | null>(null);
  const keys = useMemo(() => new RequestKeys(), []);
  const label = parent === null ? t.comments.write : t.comments.replyTo(parent.author.name);
  const submit = async () => {
    if (!draft.value.trim()) return;
    const moment = isAtMoment.value ? atMs.value : null;
    const body = { text: draft.value.trim(), at_ms: moment, parent_id: parent?.id ?? null };
    try {
      await api.comment(update, body, keys.of(body));
      keys.forget(body);
      draft.value = "";
      isAtMoment.value = false;
      atMs.value = null;
      announce(t.comments.posted);
      posted();
    } catch (error) {
      complain(error);
    }
  };
  return (
    <form
      class="comment-form"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <textarea
        rows={2}
        aria-label={label}
        placeholder={label}
        maxLength={10000}
        value={draft.value}
        ref={parent === null ? null : takeFocus}
        onInput={(event) => {
          // The moment a comment is about is the one at which its writing began.
          if (!draft.value && playback !== null && playback.nowMs.peek() > 0) {
            atMs.value = Math.floor(playback.nowMs.peek());
            isAtMoment.value = true;
          }
          draft.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void submit();
        }}
      />
      {draft.value.trim() && (
        <div class="composer-row">
          <button class="button small">{t.comments.post}</button>
          {atMs.value !== null && (
            <label class="check">
              <input
                type="checkbox"
                checked={isAtMoment.value}
                onChange={(event) => {
                  isAtMoment.value = event.currentTarget.checked;
                }}
              />
              {t.comments.at(clock(atMs.value))}
            </label>
          )}
        </div>
      )}
    </form>
  );
}
