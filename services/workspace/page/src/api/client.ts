// The one place that talks to the HTTP API.
import { signal } from "@preact/signals";
import type * as api from "./types";

/** What went wrong, as the server or the network says. `offline`: nobody answered. */
export class Problem extends Error {
  constructor(
    readonly code: string,
    detail: string,
    readonly status: number,
  ) {
    super(detail);
  }
  static of(error: unknown): Problem {
    return error instanceof Problem ? error : new Problem("internal", String(error), 500);
  }
  get isOffline(): boolean {
    return this.status === 0;
  }
}

/** Whether the session is over. Nothing leaves the page for that: what is half-written or recorded stays. */
export const isSignedOut = signal(false);

/** Where to sign in, and come back from to here. */
export const signInAddress = (): string =>
  `/sign-in?next=${encodeURIComponent(location.pathname + location.search + location.hash)}`;

/** The version of each thing as it was last read, so that a change says what it was made from. */
const versions = new Map<string, string>();

export async function call<T>(method: string, path: string, body?: unknown, key?: string): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  const version = versions.get(path);
  if (method === "PATCH" && version !== undefined) headers["If-Match"] = version;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key !== undefined) headers["Idempotency-Key"] = key;
  let reply: Response;
  try {
    reply = await fetch(path, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
  } catch {
    throw new Problem("offline", "", 0);
  }
  const read = reply.headers.get("ETag");
  if (reply.ok && read !== null) versions.set(path, read);
  if (reply.ok || reply.status === 401) isSignedOut.value = !reply.ok;
  if (reply.status === 204) return undefined as T;
  const told: unknown = await reply.json().catch(() => ({}));
  if (reply.ok) return told as T;
  const problem = told as { code?: string; detail?: string };
  throw new Problem(problem.code ?? "unknown", problem.detail ?? reply.statusText, reply.status);
}

export const get = <T>(path: string) => call<T>("GET", path);

/** Everything of a list, however many parts it comes in. */
async function whole<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const from: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { items: T[]; next_cursor: string | null } = await get(`${path}?limit=200${from}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return items;
}

const v1 = "/api/v1";

export const me = () => get<api.Me>(`${v1}/me`);
export const teams = async () => (await get<api.Teams>(`${v1}/teams`)).items;
export const members = async (team: string) =>
  (await get<api.Members>(`${v1}/teams/${team}/members`)).items;
export const threads = (team: string) => whole<api.Thread>(`${v1}/teams/${team}/threads`);
export const thread = (id: string) => get<api.Thread>(`${v1}/threads/${id}`);
export const changeThread = (
  id: string,
  change: { title?: string; concluded?: boolean; conclusion?: string | null },
) => call<api.Thread>("PATCH", `${v1}/threads/${id}`, change);
export const openThread = (team: string, title: string, key: string) =>
  call<api.Thread>("POST", `${v1}/teams/${team}/threads`, { title }, key);
export const updates = (thread: string) => whole<api.Update>(`${v1}/threads/${thread}/updates`);
export const update = (id: string) => get<api.Update>(`${v1}/updates/${id}`);
export const summary = (id: string) => get<api.Summary>(`${v1}/updates/${id}/summary`);
export const transcript = (id: string) => get<api.Transcript>(`${v1}/updates/${id}/transcript`);
export const captionsUrl = (id: string) => `${v1}/updates/${id}/transcript?format=vtt`;
export const correct = (
  id: string,
  body: { start_ms: number; end_ms: number; original: string; replacement: string },
  key: string,
) => call<unknown>("POST", `${v1}/updates/${id}/corrections`, body, key);
export const withdrawCorrection = (id: string) => call<undefined>("DELETE", `${v1}/corrections/${id}`);
export const comments = (id: string) => whole<api.Comment>(`${v1}/updates/${id}/comments`);
export const comment = (
  id: string,
  body: { text: string; at_ms: number | null; parent_id: string | null },
  key: string,
) => call<api.Comment>("POST", `${v1}/updates/${id}/comments`, body, key);
export const write = (thread: string, body: { text: string; reply_to: string | null }, key: string) =>
  call<api.Posted>("POST", `${v1}/threads/${thread}/updates`, { kind: "text", ...body }, key);
export const openRecording = (
  thread: string,
  body: { size_bytes: number | null; media_type: string | null; title: string | null; reply_to: string | null },
  key: string,
) => call<api.Posted>("POST", `${v1}/threads/${thread}/updates`, { kind: "recording", ...body }, key);
export const renewUpload = (id: string) => call<api.Upload>("POST", `${v1}/updates/${id}/upload`);
export const removeUpdate = (id: string) => call<undefined>("DELETE", `${v1}/updates/${id}`);
export const renewTranscript = (id: string, language: string | null, key: string) =>
  call<api.Update>("POST", `${v1}/updates/${id}/transcript`, { language }, key);
export const nameSpeaker = (id: string, label: string, name: string | null) =>
  call<{ label: string }>("PUT", `${v1}/updates/${id}/speakers/${encodeURIComponent(label)}`, { name });
export const search = (query: URLSearchParams) => get<api.Found>(`${v1}/search?${query}`);
export const signOut = () => call<undefined>("DELETE", `${v1}/sessions/this`);

/** The number of the newest event, so that a stream can begin after it. */
export async function newestEvent(team: string): Promise<number> {
  return (await get<{ next_after: number }>(`${v1}/events?team_id=${team}&after=newest&limit=1`)).next_after;
}
