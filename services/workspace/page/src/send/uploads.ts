// Recordings on their way: by tus, resumed after a break, remembered over a reload.
import { signal } from "@preact/signals";
import type { DetailedError, Upload as TusUpload } from "tus-js-client";
import * as api from "../api/client";
import { RequestKeys } from "../api/keys";
import type { Upload as Grant } from "../api/types";
import { loadPart } from "../part";
import { keep, stored } from "../stored";

export const CHUNK_BYTES = 8 << 20;
const AGAIN_MS = 2_000;
/** With these the server takes no more, however often it is asked. */
export const FINAL = new Set([400, 403, 404, 410, 413, 422]);
/** The server has it all already; only the answer was lost. */
export const COMPLETE = "upload-already-complete";
/** It waited for the rest in vain, and let go of what it had. */
export const LOST = "upload-expired";
const TUS = { "Tus-Resumable": "1.0.0" };

export type Sending = {
  name: string;
  thread: string;
  sent: number;
  total: number | null;
  state: "sending" | "interrupted" | "done" | "failed";
};

/** So that a file whose opening was not answered is not opened twice when it is chosen again. */
const keys = new RequestKeys();

/** Update id → its upload in this window. */
export const uploads = signal<Record<string, Sending>>({});

/** Sent from here earlier and never finished: file → update. The file itself must be chosen again. */
export type Unfinished = {
  fingerprint: string;
  name: string;
  update: string;
  thread: string;
};
export const unfinished = signal<Unfinished[]>(JSON.parse(stored("unfinished") ?? "[]") as Unfinished[]);

export function remember(list: Unfinished[]): void {
  unfinished.value = list;
  keep("unfinished", list.length ? JSON.stringify(list) : null);
}

export const forget = (update: string) => remember(unfinished.value.filter((each) => each.update !== update));

export function note(update: string, change: Partial<Sending>): void {
  const now = uploads.value[update];
  if (now !== undefined) uploads.value = { ...uploads.value, [update]: { ...now, ...change } };
}

const loadTus = () => import("tus-js-client");

const fingerprintOf = (file: File) => `${file.name}/${file.size}/${file.lastModified}`;

/** Send a file to a thread; goes on where an earlier try stopped. Returns when all is sent. */
export async function sendFile(file: File, thread: string, replyTo: string | null): Promise<void> {
  // First, so that nothing is begun without what sends it.
  const { Upload } = await loadPart(loadTus);
  const fingerprint = fingerprintOf(file);
  const earlier = unfinished.value.find((each) => each.fingerprint === fingerprint && each.thread === thread);
  const { update, grant } = await openUpload(file, thread, replyTo, earlier?.update);
  remember([
    ...unfinished.value.filter((each) => each.update !== update),
    { fingerprint, name: file.name, update, thread },
  ]);
  uploads.value = {
    ...uploads.value,
    [update]: { name: file.name, thread, sent: 0, total: file.size, state: "sending" },
  };
  try {
    await sendAll(Upload, file, update, grant);
  } catch (error) {
    note(update, { state: "failed" });
    throw error;
  }
  note(update, { state: "done" });
  forget(update);
}

/** Tries until the server has it all, or says that it never will take it. */
async function sendAll(Upload: typeof TusUpload, file: File, update: string, given: Grant | null): Promise<void> {
  for (let grant = given; ; grant = null) {
    try {
      grant ??= await renewed(update);
      const address = await createUpload(grant, { "Upload-Length": String(file.size) });
      return await transfer(Upload, file, update, address, grant.token);
    } catch (error) {
      if (error instanceof api.Problem && error.code === COMPLETE) return;
      if (error instanceof api.Problem && FINAL.has(error.status)) throw error;
      note(update, { state: "interrupted" });
      await breath();
    }
  }
}

async function openUpload(
  file: File,
  thread: string,
  replyTo: string | null,
  earlier: string | undefined,
): Promise<{ update: string; grant: Grant | null }> {
  if (earlier !== undefined) {
    try {
      return { update: earlier, grant: await renewed(earlier) };
    } catch (error) {
      if (error instanceof api.Problem && error.code === COMPLETE) return { update: earlier, grant: null };
      // Removed or expired meanwhile: it becomes a new update.
      if (!(error instanceof api.Problem) || !FINAL.has(error.status)) throw error;
      forget(earlier);
    }
  }
  const body = { size_bytes: file.size, media_type: file.type || null, title: null, reply_to: replyTo };
  const asked = [thread, replyTo, fingerprintOf(file)];
  const posted = await api.openRecording(thread, body, keys.of(asked));
  keys.forget(asked);
  return { update: posted.update.id, grant: posted.upload };
}

/** Leave to go on with what was begun. What ended meanwhile says how. */
export async function renewed(update: string): Promise<Grant> {
  try {
    return await api.renewUpload(update);
  } catch (error) {
    if (!(error instanceof api.Problem) || error.code !== "nothing-to-upload") throw error;
    const { recording, problem } = await api.update(update);
    if (recording.state === "expired") throw new api.Problem(LOST, "", 410);
    if (recording.state === "refused" && problem !== null) throw new api.Problem(problem.code, problem.detail ?? "", 410);
    throw new api.Problem(COMPLETE, "", 409);
  }
}

/** What the upload service answered, if it did. */
export function answerOf(error: Error | DetailedError): api.Problem {
  const reply = "originalResponse" in error ? error.originalResponse : null;
  let told: { code?: string; detail?: string } = {};
  try {
    told = JSON.parse(reply?.getBody() ?? "{}") as typeof told;
  } catch {
    // The page of some proxy.
  }
  return new api.Problem(told.code ?? "upload-interrupted", told.detail ?? "", reply?.getStatus() ?? 0);
}

/** Create the upload or find the one this grant began; returns its address. */
export async function createUpload(grant: Grant, length: Record<string, string>): Promise<string> {
  const reply = await fetch(grant.url, {
    method: "POST",
    headers: { ...TUS, ...length, Authorization: `Bearer ${grant.token}` },
  });
  const address = reply.headers.get("Location");
  if (!reply.ok || address === null) {
    const told = (await reply.json().catch(() => ({}))) as { code?: string; detail?: string };
    throw new api.Problem(told.code ?? "upload-refused", told.detail ?? reply.statusText, reply.status);
  }
  return new URL(address, grant.url).href;
}

function transfer(Upload: typeof TusUpload, file: File, update: string, address: string, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    new Upload(file, {
      uploadUrl: address,
      chunkSize: CHUNK_BYTES,
      retryDelays: null,
      storeFingerprintForResuming: false,
      headers: { Authorization: `Bearer ${token}` },
      onProgress: (sent, total) => note(update, { sent, total, state: "sending" }),
      onSuccess: () => resolve(),
      onError: (error) => reject(answerOf(error)),
    }).start();
  });
}

/** A moment's wait, or until the network says it is back. */
export const breath = () =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, AGAIN_MS);
    addEventListener("online", () => resolve(), { once: true });
  });
