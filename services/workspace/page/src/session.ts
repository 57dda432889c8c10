// Who is here, in which teams, and what they chose.
import { effect, signal } from "@preact/signals";
import * as api from "./api/client";
import type { Me, Team } from "./api/types";
import { follow } from "./live";
import { keep, stored } from "./stored";

export const me = signal<Me | null>(null);
export const teams = signal<Team[]>([]);
export const team = signal<Team | null>(null);

export type Scheme = "system" | "light" | "dark";
export const scheme = signal<Scheme>((stored("scheme") as Scheme | null) ?? "system");

effect(() => {
  const chosen = scheme.value;
  keep("scheme", chosen === "system" ? null : chosen);
  if (chosen === "system") delete document.documentElement.dataset.scheme;
  else document.documentElement.dataset.scheme = chosen;
});

export async function enter(): Promise<void> {
  const [person, mine] = await Promise.all([api.me(), api.teams()]);
  me.value = person;
  teams.value = mine;
  const last = stored("team");
  const first = mine.find((each) => each.id === last) ?? mine[0];
  if (first !== undefined) await beIn(first.id);
}

/** Ask again which teams there are; whoever is no longer in theirs goes to another. */
export async function refreshTeams(): Promise<void> {
  teams.value = await api.teams();
  const here = teams.value.find((each) => each.id === team.value?.id);
  if (here !== undefined) team.value = here;
  else if (teams.value[0] !== undefined) await beIn(teams.value[0].id);
  else team.value = null;
}

/** Look at another team from now on. */
export async function beIn(id: string): Promise<void> {
  const wanted = teams.value.find((each) => each.id === id);
  if (wanted === undefined || wanted.id === team.value?.id) return;
  team.value = wanted;
  keep("team", id);
  await follow(id);
}

// --- what changed since the last visit -------------------------------------

/** Before this browser's first visit nothing counts as new. */
const firstVisit = stored("first-visit") ?? new Date().toISOString();
keep("first-visit", firstVisit);

export const lastVisit = (thread: string): string => stored(`seen.${thread}`) ?? firstVisit;
/** Everything up to this moment of the server was shown. */
export function visited(thread: string, moment: string): void {
  if (moment > lastVisit(thread)) keep(`seen.${thread}`, moment);
}
