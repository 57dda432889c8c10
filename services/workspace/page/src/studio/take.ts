// One take: what the source gives, in pieces that are sent and, until that is acknowledged, kept.
import { effect, signal } from "@preact/signals";
import { newKey } from "../api/keys";
import { begin, watch } from "../send/recordings";
import type { Transfer } from "../send/transfer";
import { me } from "../session";
import type { Source } from "./source";

/** What a crash can cost: the piece that was not handed over yet. */
const PIECE_MS = 250;
const TICK_MS = 200;
const SOUND_BITS_PER_SECOND = 64_000;
const PICTURE_BITS_PER_SECOND = 2_500_000;
/** WebM first: its bytes can be read as they come, while MP4 comes in fragments of some seconds. */
const SOUND_TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const PICTURE_TYPES = [
  "video/webm;codecs=vp9,opus",
  "video/webm;codecs=vp8,opus",
  "video/mp4;codecs=avc1.42E01F,mp4a.40.2",
  "video/mp4",
];

export class Take {
  readonly state = signal<"recording" | "paused" | "stopped">("recording");
  readonly elapsedMs = signal(0);
  private recordedMs = 0;
  private since = performance.now();
  private readonly ticking: ReturnType<typeof setInterval>;
  /** One after the other: turning a blob into bytes takes a moment, and order matters. */
  private last = Promise.resolve();
  /** Until the disk has what was handed over. */
  private kept = Promise.resolve();
  private isDiscarded = false;

  private constructor(
    private readonly recorder: MediaRecorder,
    readonly transfer: Transfer,
  ) {
    const { backlog } = transfer;
    recorder.addEventListener("dataavailable", ({ data }) => {
      this.last = this.last.then(async () => {
        const bytes = new Uint8Array(await data.arrayBuffer());
        if (!this.isDiscarded) this.kept = backlog.add(bytes);
      });
    });
    // Also when the browser stops it: what there is becomes the update.
    recorder.addEventListener("stop", () => this.end());
    addEventListener("beforeunload", this.warn);
    this.ticking = setInterval(() => {
      if (this.state.value === "recording") this.elapsedMs.value = this.recordedMs + performance.now() - this.since;
    }, TICK_MS);
    recorder.start(PIECE_MS);
  }

  static async begin(source: Source, thread: string, replyTo: string | null): Promise<Take> {
    const types = source.mode === "voice" ? SOUND_TYPES : PICTURE_TYPES;
    const recorder = new MediaRecorder(source.recorded, {
      mimeType: types.find((type) => MediaRecorder.isTypeSupported(type)) ?? "",
      audioBitsPerSecond: SOUND_BITS_PER_SECOND,
      videoBitsPerSecond: PICTURE_BITS_PER_SECOND,
    });
    const transfer = await begin({
      id: newKey(),
      person: me.value?.id ?? "",
      thread,
      replyTo,
      mediaType: recorder.mimeType.split(";")[0] ?? "",
      begunAt: new Date().toISOString(),
      key: newKey(),
      update: null,
    });
    return new Take(recorder, transfer);
  }

  pause(): void {
    if (this.state.value !== "recording") return;
    this.recorder.pause();
    this.recordedMs += performance.now() - this.since;
    this.elapsedMs.value = this.recordedMs;
    this.state.value = "paused";
  }

  resume(): void {
    this.since = performance.now();
    this.recorder.resume();
    this.state.value = "recording";
  }

  /** Post it. What is not sent yet is sent while people do other things. */
  stop(): void {
    if (this.recorder.state !== "inactive") this.recorder.stop();
  }

  /** Fails where the server cannot be reached to take it back; then it waits, paused. */
  async discard(): Promise<void> {
    this.pause();
    await this.last.then(() => this.kept);
    await this.transfer.discard();
    this.isDiscarded = true;
    this.stop();
  }

  private end(): void {
    this.state.value = "stopped";
    clearInterval(this.ticking);
    if (this.isDiscarded) {
      removeEventListener("beforeunload", this.warn);
      return;
    }
    const { backlog, state } = this.transfer;
    void this.last.then(async () => {
      backlog.end();
      await this.kept;
      // From here on a reload costs nothing, unless the disk was full.
      effect(() => {
        if (backlog.isKept.value || state.value !== "sending") removeEventListener("beforeunload", this.warn);
      });
    });
    watch(this.transfer);
  }

  private readonly warn = (event: BeforeUnloadEvent) => event.preventDefault();
}
