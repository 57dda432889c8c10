import { useSignal } from "@preact/signals";
import { useCallback, useEffect, useMemo } from "preact/hooks";
import * as api from "../api/client";
import type { Summary as SummaryData, Update } from "../api/types";
import { draftOf } from "../drafts";
import { isShort, languageName, titleOf, wordCount } from "../format";
import { text } from "../i18n";
import { isOnlyWords } from "../live";
import { complain } from "../parts/action";
import { Byline } from "../parts/Byline";
import { Comments } from "../parts/Comments";
import { BackIcon } from "../parts/icons";
import { Keys } from "../parts/Keys";
import { PlayerSlot, isPlayable, type Chapter } from "../parts/PlayerSlot";
import { Loading, Trouble } from "../parts/states";
import { Answered, Replies } from "../parts/Replies";
import { Renewal } from "../parts/Renewal";
import { Summary } from "../parts/Summary";
import { Transcript } from "../parts/Transcript";
import { known, UpdateState } from "../parts/UpdateState";
import { Playback } from "../playback";
import { useResource } from "../resource";
import { go, momentOf, query } from "../router";
import { beIn, me, teams } from "../session";
import { silencesOf } from "../silence";
import { useTitle } from "../title";

export function UpdateView({ id }: { id: string }) {
  const { data, problem, reload } = useResource(
    `update/${id}`,
    () => api.update(id),
    ({ type, data: change }) => change.update_id === id && !isOnlyWords(type),
  );
  useTitle(data?.title);
  useEffect(() => {
    if (data) void beIn(data.team_id);
  }, [data?.team_id]);
  if (data === null) {
    return <div class="column">{problem === null ? <Loading isAll /> : <Trouble isAll problem={problem} retry={reload} />}</div>;
  }
  return <Shown key={id} update={data} reload={reload} />;
}

function Shown({ update, reload }: { update: Update; reload: () => void }) {
  const t = text.value;
  const playback = useMemo(() => new Playback(), []);
  const finder = useSignal<HTMLInputElement | null>(null);
  const startMs = useMemo(() => momentOf(location.search, location.hash), [query.value]);
  const thread = useResource(
    `thread/${update.thread_id}`,
    () => api.thread(update.thread_id),
    ({ type, data }) => type.startsWith("tidings.thread.") && data.thread_id === update.thread_id,
  );
  const correct = useSignal<(() => void) | null>(null);
  const { transcript, isGrowing, reload: reloadWords } = useTranscript(update);
  const settled = transcript?.segments ?? [];
  const draft = isGrowing ? draftOf(update.id, settled) : "";
  const summary = useResource(
    update.summary.state === "complete" ? `summary/${update.id}` : null,
    () => api.summary(update.id),
    undefined,
    update.changed_at,
  );
  const playable = isPlayable(update);
  const chapters = useMemo(() => chaptersOf(summary.data), [summary.data]);
  const length = update.recording.duration_ms;
  useEffect(() => {
    playback.silences.value = transcript === null || isGrowing ? [] : silencesOf(transcript.segments, length ?? 0);
  }, [transcript, isGrowing, length]);
  useEffect(() => {
    if (startMs !== null) playback.seek(startMs, false);
  }, [startMs]);
  const neighbour = useCallback(
    async (step: 1 | -1) => {
      const all = await api.updates(update.thread_id);
      const next = all[all.findIndex((each) => each.id === update.id) + step];
      if (next !== undefined) go(`/updates/${next.id}`);
    },
    [update.id],
  );
  const mayCorrect =
    update.transcript.state === "complete" &&
    (teams.value.find((each) => each.id === update.team_id)?.role !== "guest" || update.author.id === me.value?.id);
  const wording = transcript?.corrections.map((correction) => correction.id).join() ?? "";
  const words = transcript?.segments.reduce((sum, each) => sum + (each.words.length || each.text.split(" ").length), 0);
  const address = `${location.origin}/updates/${update.id}`;
  const hasGist = !isShort(update) && (words === undefined || words > gistWords(summary.data));
  const hasStatements = summary.data !== null && summary.data.statements.some(({ kind }) => hasGist || kind !== "gist");
  return (
    <article class={`update ${update.text === null && (playable || hasStatements) ? "" : "is-plain"}`}>
      <header class="update-head">
        <a class="back" href={`/threads/${update.thread_id}`}>
          <BackIcon />
          {thread.data?.title ?? t.home}
        </a>
        <h1>{titleOf(update)}</h1>
        <Byline update={update} words={isGrowing ? undefined : words} />
        {update.reply_to !== null && <Answered id={update.reply_to} />}
        <UpdateState update={update} />
      </header>
      <div class="update-side">
        {playable && <PlayerSlot update={update} playback={playback} refresh={reload} chapters={chapters} wording={wording} />}
        {playable && <Keys playback={playback} finder={finder} correct={correct} neighbour={neighbour} />}
        {update.text !== null && <p class="written">{update.text}</p>}
        {hasStatements && summary.data && (
          <section aria-labelledby="summary">
            <h2 id="summary" class="unseen">
              {t.summary.heading}
            </h2>
            <Summary summary={summary.data} playback={playable ? playback : null} hasGist={hasGist} />
          </section>
        )}
      </div>
      <div class="update-main">
        {update.text === null && (
          <section aria-labelledby="transcript">
            <div class="heading-row">
              <h2 id="transcript" tabIndex={-1}>
                {t.transcript.heading}
              </h2>
              {update.transcript.language !== null && transcript !== null && (
                <span class="faint">{t.transcript.language(languageName(update.transcript.language))}</span>
              )}
            </div>
            {settled.length > 0 && transcript !== null ? (
              <Transcript
                transcript={transcript}
                language={update.transcript.language}
                address={address}
                playback={playable ? playback : null}
                finder={finder}
                correct={correct}
                mayCorrect={mayCorrect}
                startMs={startMs}
                reload={reloadWords}
              />
            ) : draft !== "" ? null : (
              <p class="faint">{update.problem === null && update.transcript.state !== "none" ? t.transcript.growing : t.transcript.none}</p>
            )}
            {draft !== "" && <p class="provisional">{draft}</p>}
            {isGrowing && transcript !== null && transcript.segments.length > 0 && <p class="faint more-to-come" role="status">{t.states.transcribing}</p>}
            {update.author.id === me.value?.id && <Renewal update={update} refresh={reload} />}
          </section>
        )}
        <Comments update={update.id} playback={playable ? playback : null} />
        <Replies update={update} />
        {update.author.id === me.value?.id && <Removal update={update} />}
      </div>
    </article>
  );
}

function chaptersOf(summary: SummaryData | null): Chapter[] {
  return (summary?.statements ?? [])
    .filter((statement) => statement.kind === "chapter")
    .map((statement) => ({ start: statement.evidence[0]?.start_ms ?? 0, title: statement.text }))
    .sort((one, other) => one.start - other.start);
}

/** A gist as long as the transcript beside it would only repeat it. */
const gistWords = (summary: SummaryData | null) =>
  (summary?.statements ?? []).reduce((sum, { kind, text }) => sum + (kind === "gist" ? wordCount(text) : 0), 0);

/** The words as far as they are known; they come by themselves while they become known. */
function useTranscript(update: Update) {
  const { state, revision } = update.transcript;
  const isGrowing = state === "growing" || state === "waiting";
  const hasWords = state === "complete" || state === "growing" || known.value[update.id] !== undefined;
  const { data, reload } = useResource(
    update.text === null && hasWords ? `transcript/${update.id}` : null,
    () => api.transcript(update.id),
    ({ type, data: change }) => /^tidings\.(transcript\.grew|correction|speaker)\./.test(type) && change.update_id === update.id,
    `${state}/${revision}`,
  );
  return { transcript: data, isGrowing, reload };
}

function Removal({ update }: { update: Update }) {
  const t = text.value;
  const isAsking = useSignal(false);
  if (!isAsking.value) {
    return (
      <button
        type="button"
        class="link faint"
        onClick={() => {
          isAsking.value = true;
        }}
      >
        {t.update.remove}
      </button>
    );
  }
  return (
    <p class="state">
      <span>{t.update.removeSure}</span>
      <button
        type="button"
        class="button small"
        onClick={async () => {
          try {
            await api.removeUpdate(update.id);
            go(`/threads/${update.thread_id}`);
          } catch (error) {
            complain(error);
          }
        }}
      >
        {t.update.removeYes}
      </button>
      <button
        type="button"
        class="button quiet small"
        onClick={() => {
          isAsking.value = false;
        }}
      >
        {t.cancel}
      </button>
    </p>
  );
}
