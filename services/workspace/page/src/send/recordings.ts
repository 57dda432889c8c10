// Recordings made in this browser, until the server has all of them: those of this visit and of earlier ones.
import { signal } from "@preact/signals";
import * as api from "../api/client";
import { me } from "../session";
import { keep } from "../stored";
import { Backlog, dropRecording, keptRecordings, keepRecording, type Kept } from "./backlog";
import { Transfer } from "./transfer";

/** No longer spoken, perhaps not all there. */
export const pending = signal<Transfer[]>([]);

/** Tells the page at its start that there can be something to look for. */
const HINT = "recordings";

/** One window at a time has a recording: the one that speaks it, or, once that is gone, one that finishes it. */
const withLock = (id: string, work: () => Promise<void>) => navigator.locks.request(`recording ${id}`, work);

/** Send a recording while it grows. */
export async function begin(kept: Kept): Promise<Transfer> {
  keep(HINT, "1");
  await keepRecording(kept);
  const transfer = new Transfer(kept, new Backlog(kept.id));
  void withLock(kept.id, () => transfer.run());
  return transfer;
}

/** Show how a recording fares that is no longer spoken. */
export function watch(transfer: Transfer): void {
  pending.value = [...pending.value, transfer];
}

export function dismiss(transfer: Transfer): void {
  pending.value = pending.value.filter((each) => each !== transfer);
  if (transfer.state.value === "refused") void dropRecording(transfer.kept);
}

/** Finish what earlier windows left: send what is missing, say where it ends. */
export async function rescue(): Promise<void> {
  const left = await keptRecordings().catch(() => []);
  if (left.length === 0) keep(HINT, null);
  const own = left.filter(({ person }) => person === me.value?.id);
  // Where the server cannot be asked now, it is asked at the next visit.
  await Promise.all(own.map(({ id }) => withLock(id, () => finish(id)).catch(() => undefined)));
}

async function finish(id: string): Promise<void> {
  // Finished by the window that had it until now.
  const kept = (await keptRecordings()).find((each) => each.id === id);
  if (kept === undefined) return;
  const transfer = new Transfer(kept, await Backlog.left(id));
  if (transfer.backlog.length === 0 && !(await hasArrived(kept))) return dropRecording(kept);
  watch(transfer);
  await transfer.run();
}

/** Whether the server has a beginning of it. An update in which nothing was said goes. */
async function hasArrived({ update }: Kept): Promise<boolean> {
  if (update === null) return false;
  try {
    const { state } = (await api.update(update)).recording;
    if (state === "waiting") await api.removeUpdate(update);
    return state === "arriving";
  } catch (error) {
    if (error instanceof api.Problem && error.status === 404) return false;
    throw error;
  }
}
