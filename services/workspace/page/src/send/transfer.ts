// One recording on its way: opened, sent by tus while it grows, taken up again after every break.
import { signal } from "@preact/signals";
import { Upload } from "tus-js-client";
import * as api from "../api/client";
import { newKey } from "../api/keys";
import type { Upload as Grant } from "../api/types";
import { type Backlog, dropRecording, keepRecording, type Kept } from "./backlog";
import { answerOf, breath, CHUNK_BYTES, COMPLETE, createUpload, FINAL, LOST, note, renewed, uploads } from "./uploads";

export class Transfer {
  readonly update = signal<string | null>(null);
  readonly isConnected = signal(true);
  readonly state = signal<"sending" | "done" | "refused">("sending");
  /** Why it was refused. */
  problem: api.Problem | null = null;
  /** Whether a refused one is all here still, and can be kept otherwise. */
  isWhole = false;
  /** Left by an earlier window. */
  readonly isRescued: boolean;
  private breakOff: () => void = () => undefined;
  private isCancelled = false;

  constructor(
    readonly kept: Kept,
    readonly backlog: Backlog,
  ) {
    this.update.value = kept.update;
    this.isRescued = backlog.isEnded;
  }

  /** Send everything. Tries until the server has it all, or says that it never will take it. */
  async run(): Promise<void> {
    while (!this.isCancelled) {
      try {
        await this.attempt();
        if (!this.isCancelled) await this.finish();
        return;
      } catch (error) {
        if (this.isCancelled) return;
        if (error instanceof api.Problem) {
          if (error.code === COMPLETE) return this.finish();
          if (error.code === LOST && (await this.backlog.isWhole())) {
            await this.beginAnew();
            continue;
          }
          if (FINAL.has(error.status)) return this.refuse(error);
        }
        this.isConnected.value = false;
        this.tell("interrupted");
        await breath();
      }
    }
  }

  /** Forget it, here and there. Fails where the server cannot be reached, and then nothing is forgotten. */
  async discard(): Promise<void> {
    const { value: update } = this.update;
    if (update !== null) {
      await api.removeUpdate(update).catch((error: unknown) => {
        // Gone already is as good.
        if (api.Problem.of(error).status !== 404) throw error;
      });
    }
    this.isCancelled = true;
    this.breakOff();
    await dropRecording(this.kept);
  }

  private async attempt(): Promise<void> {
    const grant = await this.leave();
    const address = await createUpload(grant, { "Upload-Defer-Length": "1" });
    await this.transfer(address, grant.token);
  }

  /** Leave to upload. The same key opens the same update, however often it is asked for. */
  private async leave(): Promise<Grant> {
    const { kept } = this;
    if (this.update.value !== null) return renewed(this.update.value);
    const body = { size_bytes: null, media_type: kept.mediaType, title: null, reply_to: kept.replyTo };
    const posted = await api.openRecording(kept.thread, body, kept.key);
    kept.update = posted.update.id;
    this.update.value = kept.update;
    if (this.isCancelled) await api.removeUpdate(kept.update);
    else await keepRecording(kept);
    return posted.upload ?? renewed(kept.update);
  }

  private async transfer(address: string, token: string): Promise<void> {
    if (this.isCancelled) return;
    const { backlog } = this;
    const slice = async (start: number, end: number) => {
      const bytes = await backlog.slice(start, end);
      // The client sends what it was waiting for even after it was told to stop.
      if (this.isCancelled) throw new Error("discarded");
      return bytes;
    };
    const source = { size: 0, slice, close: () => undefined };
    await new Promise<void>((resolve, reject) => {
      const upload = new Upload(new Blob(), {
        uploadUrl: address,
        uploadLengthDeferred: true,
        fileReader: { openFile: () => Promise.resolve(source) },
        chunkSize: CHUNK_BYTES,
        retryDelays: null,
        storeFingerprintForResuming: false,
        headers: { Authorization: `Bearer ${token}` },
        onChunkComplete: (_, accepted) => {
          this.isConnected.value = true;
          this.tell("sending", accepted);
          void backlog.acknowledge(accepted);
        },
        onSuccess: () => resolve(),
        onError: (error) => reject(answerOf(error)),
      });
      this.breakOff = () => {
        void upload.abort();
        reject(new Error("discarded"));
      };
      upload.start();
    });
  }

  /** The thread shows how far it is once it is no longer spoken. */
  private tell(state: "sending" | "interrupted", sent?: number): void {
    const { backlog, kept } = this;
    const update = this.update.value;
    if (update === null || !backlog.isEnded) return;
    const known = uploads.value[update] ?? { name: "", thread: kept.thread, sent: 0 };
    uploads.value = {
      ...uploads.value,
      [update]: { ...known, sent: sent ?? known.sent, total: backlog.length, state },
    };
  }

  /** What the server let go of is all here still: it becomes another update. */
  private async beginAnew(): Promise<void> {
    if (this.update.value !== null) note(this.update.value, { state: "failed" });
    this.update.value = null;
    Object.assign(this.kept, { key: newKey(), update: null });
    await keepRecording(this.kept);
  }

  private async refuse(problem: api.Problem): Promise<void> {
    if (this.update.value !== null) note(this.update.value, { state: "failed" });
    this.problem = problem;
    this.isWhole = await this.backlog.isWhole();
    this.state.value = "refused";
  }

  private async finish(): Promise<void> {
    if (this.update.value !== null) note(this.update.value, { state: "done" });
    await dropRecording(this.kept);
    this.state.value = "done";
  }
}
