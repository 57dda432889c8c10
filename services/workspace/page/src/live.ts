// The open page stays true: events of the team say what to fetch again; without them it asks now and then.
import { signal } from "@preact/signals";
import { newestEvent, Problem } from "./api/client";

const ASK_EVERY_MS = 8_000;

export type Change = { type: string; data: Record<string, unknown> };
type Listener = (change: Change) => void;

/** Something may have been missed: fetch everything again. */
const ANYTHING: Change = { type: "anything", data: {} };

export const connection = signal<"live" | "interrupted" | "offline">("live");
const listeners = new Set<Listener>();
let stream: EventSource | null = null;
let team: string | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
/** Counts the openings: only the newest one becomes the stream. */
let opened = 0;

/** Whether only words came, which change nothing else about an update. */
export const isOnlyWords = (type: string) => /^tidings\.transcript\.(grew|heard)\./.test(type);

export function onChange(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(change: Change): void {
  for (const listener of listeners) listener(change);
}

/** Something happened here that may be told elsewhere first: look now. */
export const lookAgain = (): void => tell(ANYTHING);

/** Follow a team. Resolves when what happens from now on will be heard, or cannot be. */
export async function follow(wanted: string): Promise<void> {
  if (team === wanted) return;
  team = wanted;
  await open();
}

async function open(): Promise<void> {
  if (team === null) return;
  const wanted = team;
  const opening = ++opened;
  clearTimeout(timer);
  stream?.close();
  try {
    const after = await newestEvent(wanted);
    if (opening !== opened) return;
    stream = new EventSource(`/api/v1/events?team_id=${wanted}&after=${after}&follow=true`);
  } catch (error) {
    if (opening !== opened) return;
    connection.value = error instanceof Problem && error.isOffline ? "offline" : "interrupted";
    again();
    return;
  }
  stream.onopen = () => {
    connection.value = "live";
  };
  stream.onmessage = (message: MessageEvent<string>) => tell(JSON.parse(message.data) as Change);
  stream.onerror = () => {
    // A closed stream was refused; an open one reconnects by itself and misses nothing.
    if (stream?.readyState === EventSource.CLOSED) again();
    else if (!navigator.onLine) connection.value = "offline";
  };
}

function again(): void {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    await open();
    tell(ANYTHING);
  }, ASK_EVERY_MS);
}

addEventListener("offline", () => {
  connection.value = "offline";
});
addEventListener("online", async () => {
  await open();
  tell(ANYTHING);
});
