// Addresses of the page, kept in the browser's history.
import { signal } from "@preact/signals";

export type Route =
  | { view: "threads" }
  | { view: "thread"; id: string }
  | { view: "update"; id: string }
  | { view: "search" }
  | { view: "settings" }
  | { view: "team-settings"; id: string }
  | { view: "missing" };

const idPath = /^\/(threads|updates)\/([0-9a-f-]{36})$/;
const teamPath = /^\/teams\/([0-9a-f-]{36})\/settings$/;

export function routeOf(path: string): Route {
  if (path === "/") return { view: "threads" };
  if (path === "/search") return { view: "search" };
  if (path === "/settings") return { view: "settings" };
  const [, team] = teamPath.exec(path) ?? [];
  if (team !== undefined) return { view: "team-settings", id: team };
  const [, kind, id] = idPath.exec(path) ?? [];
  if (id === undefined) return { view: "missing" };
  return { view: kind === "threads" ? "thread" : "update", id };
}

export const route = signal<Route>(routeOf(location.pathname));
export const query = signal(new URLSearchParams(location.search));

function arrive(): void {
  query.value = new URLSearchParams(location.search);
  route.value = routeOf(location.pathname);
}

export function go(address: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  arrive();
  if (replace) return;
  scrollTo(0, 0);
  // Whoever does not see that the page is another one is told so there, and goes on from there.
  document.getElementById("content")?.focus({ preventScroll: true });
}

export function startRouting(): void {
  addEventListener("popstate", arrive);
  addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest("a");
    if (link === null || link.origin !== location.origin || link.target || link.hasAttribute("download")) return;
    if (routeOf(link.pathname).view === "missing") return;
    if (link.pathname === location.pathname && link.search === location.search && link.hash) return;
    event.preventDefault();
    go(link.pathname + link.search + link.hash);
  });
}

/** The moment an address names, in milliseconds: ?t=83, ?t=1m23s, #t=83,95. */
export function momentOf(search: string, hash: string): number | null {
  const wanted =
    new URLSearchParams(search).get("t") ?? new URLSearchParams(hash.replace(/^#/, "")).get("t");
  if (wanted === null) return null;
  const first = wanted.split(",")[0] ?? "";
  const [, hours, minutes, seconds] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?$/.exec(first) ?? [];
  if (hours === undefined && minutes === undefined && seconds === undefined) return null;
  return Math.round((Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0)) * 1000);
}
