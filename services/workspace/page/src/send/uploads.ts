// Recordings on their way: by tus, resumed after a break, remembered over a reload.
import { signal } from "@preact/signals";
import type { DetailedError, Upload as TusUpload } from "tus-js-client";
import * as api from "../api/client";
import type { Posted, Upload as Grant } from "../api/types";
import { keep, stored } from "../stored";

const RETRIES_MS = [0, 1_000, 3_000, 5_000, 10_000, 20_000, 30_000];
const CHUNK_BYTES = 8 << 20;
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

const fingerprintOf = (file: File) => `${file.name}/${file.size}/${file.lastModified}`;

/** Send a file to a thread; goes on where an earlier try stopped. Returns when all is sent. */
export async function sendFile(file: File, thread: string, replyTo: string | null): Promise<void> {
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
  const address = await createUpload(grant, { "Upload-Length": String(file.size) });
  await transfer(file, update, grant, address);
  note(update, { state: "done" });
  forget(update);
}

async function openUpload(
  file: File,
  thread: string,
  replyTo: string | null,
  earlier: string | undefined,
): Promise<{ update: string; grant: Grant }> {
  if (earlier !== undefined) {
    try {
      return { update: earlier, grant: await api.renewUpload(earlier) };
    } catch (error) {
      // Finished, removed or expired meanwhile: it becomes a new update.
      if (!(error instanceof api.Problem) || error.isOffline) throw error;
      forget(earlier);
    }
  }
  const posted: Posted = await api.openRecording(thread, {
    size_bytes: file.size,
    media_type: file.type || null,
    title: null,
    reply_to: replyTo,
  });
  return { update: posted.update.id, grant: posted.upload ?? (await renewed(posted.update.id)) };
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

async function transfer(file: File, update: string, grant: Grant, address: string): Promise<void> {
  const { Upload } = await import("tus-js-client");
  let token = grant.token;
  await new Promise<void>((resolve, reject) => {
    const upload: TusUpload = new Upload(file, {
      uploadUrl: address,
      chunkSize: CHUNK_BYTES,
      retryDelays: RETRIES_MS,
      storeFingerprintForResuming: false,
      onBeforeRequest: (request) => request.setHeader("Authorization", `Bearer ${token}`),
      onProgress: (sent, total) => note(update, { sent, total, state: "sending" }),
      onSuccess: () => resolve(),
      onShouldRetry: (error) => {
        const status = error.originalResponse?.getStatus() ?? 0;
        note(update, { state: "interrupted" });
        return status === 0 || status >= 500 || status === 409 || status === 423;
      },
      onError: (error) => {
        const status = "originalResponse" in error ? (error.originalResponse?.getStatus() ?? 0) : 0;
        void goOn(status, upload, error, reject);
      },
    });
    const goOn = async (status: number, again: TusUpload, error: Error, give: (reason: Error) => void) => {
      if (status === 401) {
        try {
          token = (await api.renewUpload(update)).token;
          again.start();
          return;
        } catch {
          // Fall through: without leave to upload there is nothing more to try.
        }
      } else if (status === 0) {
        note(update, { state: "interrupted" });
        addEventListener("online", () => again.start(), { once: true });
        return;
      }
      note(update, { state: "failed" });
      give(error);
    };
    upload.start();
  });
}
