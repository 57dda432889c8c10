// Updates that answer an update: shown where they answer, and leading back there.
import { useSignal } from "@preact/signals";
import * as api from "../api/client";
import type { Update } from "../api/types";
import { titleOf } from "../format";
import { text } from "../i18n";
import { isOnlyWords } from "../live";
import { useResource } from "../resource";
import { Byline } from "./Byline";
import { Composer } from "./Composer";

export function ReplyLine({ answered }: { answered: Update }) {
  return (
    <p class="replied">
      <a href={`/updates/${answered.id}`}>{text.value.replies.to(titleOf(answered))}</a>
    </p>
  );
}

/** The same where only the id of the answered is known. One that is gone, or not for everybody, leaves no trace. */
export function Answered({ id }: { id: string }) {
  const { data } = useResource(`update/${id}`, () => api.update(id));
  return data === null ? null : <ReplyLine answered={data} />;
}

export function Replies({ update }: { update: Update }) {
  const t = text.value.replies;
  const isReplying = useSignal(false);
  const { data, reload } = useResource(
    `updates/${update.thread_id}`,
    () => api.updates(update.thread_id),
    ({ type, data: change }) => change.thread_id === update.thread_id && !isOnlyWords(type),
  );
  const replies = data?.filter((each) => each.reply_to === update.id) ?? [];
  return (
    <section id="replies" class="replies" aria-labelledby="replies-heading">
      <h2 id="replies-heading">{t.heading}</h2>
      <ol>
        {replies.map((reply) => (
          <li key={reply.id}>
            <a href={`/updates/${reply.id}`}>{titleOf(reply)}</a>
            <Byline update={reply} />
          </li>
        ))}
      </ol>
      {isReplying.value ? (
        <Composer thread={update.thread_id} replyTo={update.id} posted={reload} />
      ) : (
        <button
          type="button"
          class="button quiet"
          onClick={() => {
            isReplying.value = true;
          }}
        >
          {t.reply}
        </button>
      )}
    </section>
  );
}
