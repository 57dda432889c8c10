import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import * as api from "../api/client";
import { announcement } from "../announce";
import { language, languages, speak, text, type Language } from "../i18n";
import { connection } from "../live";
import { go, query, route } from "../router";
import { beIn, me, scheme, team, teams, type Scheme } from "../session";
import { complain } from "./action";
import { MenuIcon, SearchIcon } from "./icons";
import { RescueSlot, StudioSlot } from "./slots";

export function Shell({ children }: { children: ComponentChildren }) {
  const t = text.value;
  return (
    <>
      <a class="skip" href="#content">
        {t.skip}
      </a>
      <header class="top">
        <div class="top-row">
          <a class="brand" href="/">
            <Mark />
            Tidings
          </a>
          {teams.value.length > 1 && <TeamChoice />}
          <SearchBox />
          <Menu />
        </div>
      </header>
      <Connection />
      <RescueSlot />
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      <div class={`toast ${announcement.value ? "shown" : ""}`} role="status" aria-live="polite">
        {announcement.value}
      </div>
      <StudioSlot />
    </>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
      <rect width="32" height="32" rx="9" class="mark-ground" />
      <path class="mark-lines" d="M8 14v4M13 10v12M18 7v18M23 12v8" />
    </svg>
  );
}

function Connection() {
  const t = text.value;
  if (api.isSignedOut.value) {
    return (
      <div class="connection" role="status">
        {t.signedOut}{" "}
        {/* In another window: here something may be half-written. */}
        <button type="button" class="link" onClick={() => open(api.signInAddress())}>
          {t.signIn}
        </button>
      </div>
    );
  }
  if (connection.value === "live") return <div role="status" />;
  return (
    <div class="connection" role="status">
      {connection.value === "offline" ? t.offline : t.slowLive}
    </div>
  );
}

function TeamChoice() {
  return (
    <select
      class="team-choice"
      aria-label={text.value.team}
      value={team.value?.id ?? ""}
      onChange={(event) => {
        void beIn(event.currentTarget.value);
        go("/");
      }}
    >
      {teams.value.map((each) => (
        <option key={each.id} value={each.id}>
          {each.name}
        </option>
      ))}
    </select>
  );
}

function SearchBox() {
  const t = text.value;
  if (route.value.view === "search") return <span class="grow" />;
  return (
    <form
      class="top-search"
      role="search"
      aria-label={t.search}
      action="/search"
      onSubmit={(event) => {
        event.preventDefault();
        const asked = new URLSearchParams({ q: String(new FormData(event.currentTarget).get("q") ?? "") });
        if (team.value !== null) asked.set("team_id", team.value.id);
        go(`/search?${asked}`);
      }}
    >
      <SearchIcon />
      <input type="search" name="q" aria-label={t.searchHint} placeholder={t.searchHint} defaultValue={query.value.get("q") ?? ""} />
    </form>
  );
}

function Menu() {
  const t = text.value;
  const isOpen = useSignal(false);
  const box = useRef<HTMLDivElement>(null);
  const place = route.value;
  useEffect(() => {
    isOpen.value = false;
  }, [place]);
  useEffect(() => {
    const close = (event: Event) => {
      if (event instanceof KeyboardEvent ? event.key === "Escape" : !box.current?.contains(event.target as Node)) {
        isOpen.value = false;
      }
    };
    addEventListener("pointerdown", close);
    addEventListener("keydown", close);
    return () => {
      removeEventListener("pointerdown", close);
      removeEventListener("keydown", close);
    };
  }, []);
  return (
    <div class="menu" ref={box}>
      <button
        type="button"
        class="icon-button"
        aria-expanded={isOpen.value}
        aria-controls="menu"
        aria-label={t.menu}
        onClick={() => {
          isOpen.value = !isOpen.value;
        }}
      >
        <MenuIcon />
      </button>
      <div id="menu" class="menu-sheet" hidden={!isOpen.value}>
        <p class="menu-name">
          {me.value?.name}
          <small>{me.value?.email}</small>
        </p>
        <nav class="menu-places" aria-label={t.menu}>
          <a href="/settings">{t.settings.yours}</a>
          {team.value !== null && <a href={`/teams/${team.value.id}/settings`}>{t.settings.people}</a>}
        </nav>
        <label>
          {t.language}
          <select value={language.value} onChange={(event) => void speak(event.currentTarget.value as Language, true)}>
            {Object.entries(languages).map(([code, name]) => (
              <option key={code} value={code}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t.appearance}
          <select
            value={scheme.value}
            onChange={(event) => {
              scheme.value = event.currentTarget.value as Scheme;
            }}
          >
            {Object.entries(t.schemes).map(([code, name]) => (
              <option key={code} value={code}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          class="button quiet wide"
          onClick={() => void api.signOut().then(() => location.assign("/sign-in"), complain)}
        >
          {t.signOut}
        </button>
      </div>
    </div>
  );
}
