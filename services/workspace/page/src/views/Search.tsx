import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import * as api from "../api/client";
import type { FoundThread, Moment } from "../api/types";
import { takeFocus } from "../focus";
import { ago, clock, exact, languageName } from "../format";
import { text } from "../i18n";
import { PlayIcon, SearchIcon } from "../parts/icons";
import { PlayerSlot, isPlayable } from "../parts/PlayerSlot";
import { Blank, Loading, Trouble } from "../parts/states";
import { Playback } from "../playback";
import { useResource } from "../resource";
import { go, query } from "../router";
import { team, teams } from "../session";
import { useTitle } from "../title";

const FILTERS = ["thread_id", "author_id", "language", "from", "to"] as const;
/** Offered where a team has not said what it speaks. */
const LANGUAGES = ["en", "de", "nl", "fr", "es", "it"];
/** Said in the address, so that whoever gets it looks in the same places. */
const ALL_TEAMS = "all";
const TYPING_MS = 250;

/** What an address asks the server for. */
function askedOf(address: URLSearchParams): URLSearchParams {
  const asked = new URLSearchParams(address);
  if (asked.get("team_id") === ALL_TEAMS) asked.delete("team_id");
  else if (team.value && !asked.has("team_id")) asked.set("team_id", team.value.id);
  return asked;
}

export function SearchView() {
  const t = text.value.find;
  const wanted = query.value.get("q")?.trim() ?? "";
  useTitle(wanted || t.heading);
  const asked = askedOf(query.value);
  const { data, problem, reload } = useResource(wanted ? `search?${asked}` : null, () => api.search(asked));
  return (
    <div class="column">
      <h1 class="unseen">{t.heading}</h1>
      <Question />
      {!wanted && <Blank title={t.empty} help={t.emptyHelp} />}
      {wanted && data === null && problem === null && <Loading />}
      {problem !== null && data === null && <Trouble problem={problem} retry={reload} />}
      {data?.items.length === 0 && <Blank title={t.none(wanted)} help={t.noneHelp} />}
      {data !== null && data.items.length > 0 && (
        <p class="faint" role="status">
          {t.results(data.items.reduce((sum, each) => sum + each.moments.length, 0))}
        </p>
      )}
      {data?.items.map((group) => <Group key={group.thread.id} group={group} />)}
      {data?.next_cursor && <More cursor={data.next_cursor} asked={asked} />}
    </div>
  );
}

/** The next results, below those there are. */
function More({ cursor, asked }: { cursor: string; asked: URLSearchParams }) {
  const isOpen = useSignal(false);
  const further = new URLSearchParams(asked);
  further.set("cursor", cursor);
  const { data, problem, reload } = useResource(isOpen.value ? `search?${further}` : null, () => api.search(further));
  if (!isOpen.value) {
    return (
      <button
        type="button"
        class="button quiet"
        onClick={() => {
          isOpen.value = true;
        }}
      >
        {text.value.find.more}
      </button>
    );
  }
  if (data === null) return problem === null ? <Loading /> : <Trouble problem={problem} retry={reload} />;
  return (
    <>
      {data.items.map((group) => (
        <Group key={group.thread.id} group={group} />
      ))}
      {data.next_cursor && <More cursor={data.next_cursor} asked={asked} />}
    </>
  );
}

function Question() {
  const t = text.value;
  const value = (name: string) => query.value.get(name) ?? "";
  const here = value("team_id") || (team.value?.id ?? ALL_TEAMS);
  const inside = here === ALL_TEAMS ? null : here;
  const threads = useResource(inside && `threads/${inside}`, () => api.threads(here));
  const people = useResource(inside && `members/${inside}`, () => api.members(here));
  const spoken = teams.value.find((each) => each.id === inside)?.languages ?? [];
  const languages = new Set([...(spoken.length > 0 ? spoken : LANGUAGES), ...[value("language")].filter(Boolean)]);
  const used = FILTERS.filter((name) => value(name)).length;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const ask = (form: HTMLFormElement) => {
    clearTimeout(timer.current);
    const next = new URLSearchParams();
    for (const [name, given] of new FormData(form)) if (given) next.set(name, String(given));
    // Threads and people are those of one team.
    if (next.get("team_id") !== here) for (const name of ["thread_id", "author_id"]) next.delete(name);
    go(`/search?${next}`, { replace: true });
  };
  const isAsking = useMemo(() => !value("q"), []);
  useEffect(() => () => clearTimeout(timer.current), []);
  const choice = (name: string, label: string, options: [string, string][]) => (
    <label>
      {label}
      <select name={name} value={value(name)}>
        <option value="">{t.find.any}</option>
        {options.map(([code, shown]) => (
          <option key={code} value={code}>
            {shown}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <form
      class="question"
      role="search"
      aria-label={t.search}
      onSubmit={(event) => {
        event.preventDefault();
        ask(event.currentTarget);
      }}
      onInput={(event) => {
        const form = event.currentTarget;
        clearTimeout(timer.current);
        timer.current = setTimeout(() => ask(form), TYPING_MS);
      }}
    >
      <div class="question-words">
        <SearchIcon />
        <input
          type="search"
          name="q"
          maxLength={400}
          aria-label={t.searchHint}
          placeholder={t.searchHint}
          defaultValue={value("q")}
          ref={isAsking ? takeFocus : null}
        />
      </div>
      <details open={used > 0}>
        <summary>
          {t.find.filters}
          {used > 0 && ` (${used})`}
        </summary>
        <div class="filters">
          {teams.value.length > 1 ? (
            <label>
              {t.team}
              <select name="team_id" value={here}>
                {teams.value.map((each) => (
                  <option key={each.id} value={each.id}>
                    {each.name}
                  </option>
                ))}
                <option value={ALL_TEAMS}>{t.find.allTeams}</option>
              </select>
            </label>
          ) : (
            inside && <input type="hidden" name="team_id" value={inside} />
          )}
          {choice("thread_id", t.find.thread, threads.data?.map((each) => [each.id, each.title]) ?? [])}
          {choice("author_id", t.find.person, people.data?.map((each) => [each.person_id, each.name]) ?? [])}
          {choice("language", t.find.spoken, [...languages].map((code) => [code, languageName(code)]))}
          <label>
            {t.find.from}
            <input type="date" name="from" value={value("from")} />
          </label>
          <label>
            {t.find.to}
            <input type="date" name="to" value={value("to")} />
          </label>
        </div>
        {used > 0 && (
          <a class="clear" href={`/search?${new URLSearchParams({ q: value("q"), team_id: here })}`}>
            {t.find.clear}
          </a>
        )}
      </details>
    </form>
  );
}

function Group({ group }: { group: FoundThread }) {
  return (
    <div class="found">
      <h2>
        <a href={`/threads/${group.thread.id}`}>{group.thread.title}</a>
      </h2>
      <ul>
        {group.moments.map((moment) => (
          <Hit key={`${moment.update_id}/${moment.source}/${moment.segment_id ?? moment.comment_id}`} moment={moment} />
        ))}
      </ul>
    </div>
  );
}

function Hit({ moment }: { moment: Moment }) {
  const t = text.value;
  const playback = useMemo(() => new Playback(), [moment.update_id, moment.start_ms]);
  const isOpen = playback.isOpen.value;
  const update = useResource(isOpen ? `update/${moment.update_id}` : null, () => api.update(moment.update_id));
  useEffect(() => () => playback.close(), [playback]);
  const at = moment.start_ms;
  const address = `/updates/${moment.update_id}${at === null ? "" : `?t=${Math.floor(at / 1000)}`}`;
  const where = { title: t.find.inTitle, comment: t.find.inComment }[moment.source];
  return (
    <li class="hit">
      <a class="hit-words" href={address}>
        {moment.parts.map((part, index) => (part.is_match ? <mark key={index}>{part.text}</mark> : part.text))}
      </a>
      <p class="byline">
        {at !== null && (
          <button
            type="button"
            class="chip"
            aria-label={t.update.playFrom(clock(at))}
            aria-expanded={isOpen}
            onClick={() => playback.seek(at, true)}
          >
            <PlayIcon />
            {clock(at)}
          </button>
        )}
        <strong>{moment.author.name}</strong>
        <time dateTime={moment.posted_at} title={exact(moment.posted_at)}>
          {ago(moment.posted_at)}
        </time>
        {moment.update_title && moment.source !== "title" && <span class="hit-title">{moment.update_title}</span>}
        {where && <span>{where}</span>}
        {isOpen && (
          <button type="button" class="link" onClick={() => playback.close()}>
            {t.find.hide}
          </button>
        )}
      </p>
      {isOpen && update.data && isPlayable(update.data) && (
        <PlayerSlot update={update.data} playback={playback} refresh={update.reload} />
      )}
    </li>
  );
}
