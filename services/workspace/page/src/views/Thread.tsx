import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import * as api from "../api/client";
import type { Update } from "../api/types";
import { clock, isShort, titleOf } from "../format";
import { text } from "../i18n";
import { isOnlyWords } from "../live";
import { Byline } from "../parts/Byline";
import { Composer } from "../parts/Composer";
import { BackIcon, CommentIcon, PlayIcon } from "../parts/icons";
import { PlayerSlot, isPlayable } from "../parts/PlayerSlot";
import { Blank, Loading, Trouble } from "../parts/states";
import { ReplyLine } from "../parts/Replies";
import { Summary } from "../parts/Summary";
import { ThreadHead } from "../parts/ThreadHead";
import { UpdateState } from "../parts/UpdateState";
import { Playback } from "../playback";
import { useResource } from "../resource";
import { beIn, lastVisit, me, visited } from "../session";
import { keep, stored } from "../stored";
import { useTitle } from "../title";

const THREAD_CHANGES = /^tidings\.(thread\.|update\.posted|comment\.posted)/;

export function ThreadView({ id }: { id: string }) {
  const t = text.value;
  const thread = useResource(
    `thread/${id}`,
    () => api.thread(id),
    ({ type, data }) => THREAD_CHANGES.test(type) && data.thread_id === id,
  );
  const updates = useResource(
    `updates/${id}`,
    () => api.updates(id),
    ({ type, data }) => data.thread_id === id && !isOnlyWords(type),
  );
  const order = useSignal<"newest" | "oldest">(stored("order") === "oldest" ? "oldest" : "newest");
  const since = useMemo(() => lastVisit(id), [id]);
  useTitle(thread.data?.title);
  useEffect(() => {
    if (thread.data) void beIn(thread.data.team_id);
  }, [thread.data?.team_id]);
  const lastUpdate = thread.data?.last_update_at ?? null;
  const lastComment = thread.data?.last_comment_at ?? null;
  useEffect(() => {
    if (updates.data === null) return;
    const note = () => {
      if (document.visibilityState !== "visible") return;
      for (const moment of [lastUpdate, lastComment]) if (moment !== null) visited(id, moment);
    };
    note();
    document.addEventListener("visibilitychange", note);
    return () => document.removeEventListener("visibilitychange", note);
  }, [updates.data, lastUpdate, lastComment]);

  if (thread.data === null) {
    return (
      <div class="column">
        {thread.problem === null ? <Loading isAll /> : <Trouble isAll problem={thread.problem} retry={thread.reload} />}
      </div>
    );
  }
  const shown = (order.value === "newest" ? updates.data?.toReversed() : updates.data) ?? undefined;
  return (
    <div class="column">
      <a class="back" href="/">
        <BackIcon />
        {t.home}
      </a>
      <ThreadHead thread={thread.data} reload={thread.reload} />
      <Composer thread={id} posted={updates.reload} />
      {shown === undefined && updates.problem === null && <Loading />}
      {updates.data === null && updates.problem !== null && <Trouble problem={updates.problem} retry={updates.reload} />}
      {shown?.length === 0 && <Blank title={t.thread.none} help={t.thread.noneHelp} />}
      {shown !== undefined && shown.length > 1 && (
        <p class="order">
          <select
            aria-label={t.thread.order}
            value={order.value}
            onChange={(event) => {
              order.value = event.currentTarget.value === "oldest" ? "oldest" : "newest";
              keep("order", order.value === "newest" ? null : "oldest");
            }}
          >
            <option value="newest">{t.thread.newestFirst}</option>
            <option value="oldest">{t.thread.oldestFirst}</option>
          </select>
        </p>
      )}
      {shown?.map((update) => (
        <UpdateCard
          key={update.id}
          update={update}
          answered={shown.find((each) => each.id === update.reply_to)}
          isNew={update.posted_at > since && update.author.id !== me.value?.id}
          reload={updates.reload}
        />
      ))}
    </div>
  );
}

type CardProps = { update: Update; answered: Update | undefined; isNew: boolean; reload: () => void };

function UpdateCard({ update, answered, isNew, reload }: CardProps) {
  const t = text.value;
  const card = useRef<HTMLElement>(null);
  const isNear = useNearness(card);
  const playback = useMemo(() => new Playback(), [update.id]);
  const summary = useResource(
    isNear && update.summary.state === "complete" ? `summary/${update.id}` : null,
    () => api.summary(update.id),
    undefined,
    update.changed_at,
  );
  const length = update.recording.duration_ms;
  const playable = isPlayable(update);
  const poster = update.recording.has_video ? update.recording.media.find((each) => each.kind === "poster") : undefined;
  const posterUrl = useMemo(() => poster?.url, [update.id, poster === undefined]);
  useEffect(() => () => playback.close(), [playback]);
  return (
    <article ref={card} class={`card ${isNew ? "is-new" : ""}`} aria-labelledby={`title-${update.id}`}>
      <Byline update={update} />
      {answered !== undefined && <ReplyLine answered={answered} />}
      <h2 id={`title-${update.id}`}>
        <a href={`/updates/${update.id}`}>
          {titleOf(update)}
        </a>
        {isNew && <span class="new-mark">{t.thread.isNew}</span>}
      </h2>
      <UpdateState update={update} />
      {playback.isOpen.value && playable && <PlayerSlot update={update} playback={playback} refresh={reload} />}
      {posterUrl && !playback.isOpen.value && (
        <button
          type="button"
          class="poster"
          aria-label={t.update.playAll(clock(length ?? 0))}
          onClick={() => playback.seek(0, true)}
        >
          <img src={posterUrl} alt="" loading="lazy" width={poster?.width ?? 16} height={poster?.height ?? 9} />
          <span class="poster-play">
            <PlayIcon />
          </span>
          <span class="poster-time">{clock(length ?? 0)}</span>
        </button>
      )}
      {isShort(update) && <p class="written">{update.text}</p>}
      {summary.data !== null && (
        <Summary summary={summary.data} playback={playable ? playback : null} hasGist={!isShort(update)} />
      )}
      <footer class="card-foot">
        {playable && !posterUrl && !playback.isOpen.value && (
          <button type="button" class="button quiet small" onClick={() => playback.seek(0, true)}>
            <PlayIcon />
            {t.update.play}
            <span class="faint">{clock(length ?? 0)}</span>
          </button>
        )}
        <a class="button quiet small" href={`/updates/${update.id}`}>
          {t.update.open}
        </a>
        {update.comment_count > 0 && (
          <a class="faint with-icon" href={`/updates/${update.id}#comments`}>
            <CommentIcon />
            {t.update.comments(update.comment_count)}
          </a>
        )}
      </footer>
    </article>
  );
}

/** True once the element has come near the window. */
function useNearness(element: { current: HTMLElement | null }): boolean {
  const [isNear, setNear] = useState(false);
  useEffect(() => {
    if (element.current === null || isNear) return;
    const watcher = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && setNear(true),
      { rootMargin: "600px" },
    );
    watcher.observe(element.current);
    return () => watcher.disconnect();
  }, [isNear]);
  return isNear;
}
