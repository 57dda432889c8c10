import { useSignal } from "@preact/signals";
import { useId, useMemo } from "preact/hooks";
import * as api from "../api/client";
import { RequestKeys } from "../api/keys";
import type { Thread } from "../api/types";
import { takeFocus } from "../focus";
import { ago, exact } from "../format";
import { text } from "../i18n";
import { ActionForm } from "../parts/action";
import { Blank, Loading, Trouble } from "../parts/states";
import { useResource } from "../resource";
import { go } from "../router";
import { lastVisit, team } from "../session";
import { useTitle } from "../title";

const CHANGES = /^tidings\.(thread\.|update\.(posted|removed)|comment\.posted|summary\.completed)/;

const newestFirst = (a: Thread, b: Thread) =>
  Date.parse(b.last_update_at ?? b.opened_at) - Date.parse(a.last_update_at ?? a.opened_at);

function newsOf(thread: Thread): "update" | "comment" | null {
  const since = lastVisit(thread.id);
  if (thread.last_update_at !== null && thread.last_update_at > since) return "update";
  return thread.last_comment_at !== null && thread.last_comment_at > since ? "comment" : null;
}

const isNew = (thread: Thread) => newsOf(thread) !== null;

export function ThreadsView() {
  const t = text.value;
  const here = team.value;
  useTitle(here?.name);
  const { data, problem, reload } = useResource(
    here && `threads/${here.id}`,
    () => api.threads(here?.id ?? ""),
    (change) => CHANGES.test(change.type),
  );
  if (here === null) return <Blank isAll title={t.threads.noTeam} help={t.threads.noTeamHelp} />;
  return (
    <div class="column">
      <div class="heading-row">
        <h1>{here.name}</h1>
        {here.role !== "guest" && <NewThread team={here.id} />}
      </div>
      {data === null && problem === null && <Loading />}
      {data === null && problem !== null && <Trouble problem={problem} retry={reload} />}
      {data?.length === 0 && <Blank title={t.threads.none} help={t.threads.noneHelp} />}
      {data !== null && data.length > 0 && <Groups threads={data.toSorted(newestFirst)} />}
    </div>
  );
}

/** What changed since the last visit first, what is concluded last. */
function Groups({ threads }: { threads: Thread[] }) {
  const t = text.value.threads;
  const news = threads.filter(isNew);
  const closed = threads.filter((each) => !isNew(each) && each.concluded_at !== null);
  const others = threads.filter((each) => !isNew(each) && each.concluded_at === null);
  return (
    <>
      {news.length > 0 && <Group heading={t.news} threads={news} />}
      {others.length > 0 && <Group heading={news.length > 0 ? t.others : null} threads={others} />}
      {closed.length > 0 && (
        <details class="closed" open={news.length + others.length === 0}>
          <summary>{t.closed(closed.length)}</summary>
          <Lines threads={closed} />
        </details>
      )}
    </>
  );
}

function Group({ heading, threads }: { heading: string | null; threads: Thread[] }) {
  const id = useId();
  if (heading === null) return <Lines threads={threads} />;
  return (
    <section class="thread-group" aria-labelledby={id}>
      <h2 id={id}>{heading}</h2>
      <Lines threads={threads} />
    </section>
  );
}

function Lines({ threads }: { threads: Thread[] }) {
  return (
    <ul class="threads">
      {threads.map((thread) => (
        <ThreadLine key={thread.id} thread={thread} />
      ))}
    </ul>
  );
}

function ThreadLine({ thread }: { thread: Thread }) {
  const t = text.value.threads;
  const last = thread.last_update_at;
  const news = newsOf(thread);
  const lastWords =
    thread.conclusion ?? (thread.last_update_by ? t.lastBy(thread.last_update_by, thread.last_update_title) : t.empty);
  return (
    <li class={news === null ? "" : "is-new"}>
      <a href={`/threads/${thread.id}`}>
        <span class="thread-title">{thread.title}</span>
        <span class="faint thread-last">{lastWords}</span>
      </a>
      <p class="thread-side faint">
        {news !== null && <strong>{news === "update" ? t.newUpdate : t.newComment}</strong>}
        {last !== null && (
          <span>
            <time dateTime={last} title={exact(last)}>
              {ago(last)}
            </time>
            <span class="wide-only"> · {t.updates(thread.update_count)}</span>
          </span>
        )}
      </p>
    </li>
  );
}

function NewThread({ team: here }: { team: string }) {
  const t = text.value;
  const isOpen = useSignal(false);
  const keys = useMemo(() => new RequestKeys(), []);
  if (!isOpen.value) {
    return (
      <button
        type="button"
        class="button quiet"
        onClick={() => {
          isOpen.value = true;
        }}
      >
        {t.threads.newThread}
      </button>
    );
  }
  return (
    <ActionForm
      class="in-line new-thread"
      submit={t.threads.open}
      act={async (form) => {
        const title = String(form.get("title")).trim();
        if (title) go(`/threads/${(await api.openThread(here, title, keys.of(title))).id}`);
      }}
      cancel={() => {
        isOpen.value = false;
      }}
    >
      <input name="title" required maxLength={200} aria-label={t.threads.title} placeholder={t.threads.title} ref={takeFocus} />
    </ActionForm>
  );
}
