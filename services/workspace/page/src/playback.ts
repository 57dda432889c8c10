// What plays: one thing at a time, steered from anywhere on the page.
import { signal } from "@preact/signals";
import { silenceAt, type Silence } from "./silence";
import { keep, stored } from "./stored";

export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

/** Whether pauses are left out while playing, here and next time. */
export const skipsSilence = signal(stored("skip-silence") === "on");

export function toggleSilence(): void {
  skipsSilence.value = !skipsSilence.value;
  keep("skip-silence", skipsSilence.value ? "on" : null);
}

let sounding: Playback | null = null;

export class Playback {
  readonly isOpen = signal(false);
  readonly nowMs = signal(0);
  readonly isPlaying = signal(false);
  /** Where nobody speaks, as far as that is known. */
  readonly silences = signal<readonly Silence[]>([]);
  private media: HTMLMediaElement | null = null;
  private awaited: { ms: number; play: boolean } | null = null;

  /** Go to a moment, as soon as there is something to go through; opens the player where there is none yet. */
  seek(ms: number, play: boolean): void {
    this.nowMs.value = ms;
    if (this.media === null || this.media.readyState === 0) {
      this.awaited = { ms, play: play || (this.awaited?.play ?? false) };
      this.isOpen.value = true;
      return;
    }
    this.media.currentTime = ms / 1000;
    if (play) void this.media.play().catch(() => undefined);
  }

  step(ms: number): void {
    if (this.media !== null) this.seek(Math.max(0, this.media.currentTime * 1000 + ms), false);
  }

  toggle(): void {
    if (this.media === null) this.seek(this.nowMs.value, true);
    else if (this.media.paused) void this.media.play().catch(() => undefined);
    else this.media.pause();
  }

  toggleSound(): void {
    if (this.media !== null) this.media.muted = !this.media.muted;
  }

  faster(steps: number): void {
    const media = this.media;
    if (media === null) return;
    const at = RATES.findIndex((rate) => rate >= media.playbackRate);
    media.playbackRate = RATES[Math.min(RATES.length - 1, Math.max(0, at + steps))] ?? 1;
  }

  jumpTo(share: number): void {
    if (this.media !== null && Number.isFinite(this.media.duration)) {
      this.seek(this.media.duration * share * 1000, false);
    }
  }

  pause(): void {
    this.media?.pause();
  }

  close(): void {
    this.pause();
    this.isOpen.value = false;
  }

  /** Take over a media element; returns how to let go of it. */
  attach(media: HTMLMediaElement): () => void {
    this.media = media;
    this.isOpen.value = true;
    let frame = 0;
    const hurry = () => {
      if (media.paused || media.seeking || !skipsSilence.peek()) return;
      const silence = silenceAt(this.silences.peek(), media.currentTime * 1000);
      if (silence !== undefined) media.currentTime = silence[1] / 1000;
    };
    const look = () => {
      hurry();
      if (media.readyState > 0) this.nowMs.value = media.currentTime * 1000;
      frame = media.paused ? 0 : requestAnimationFrame(look);
    };
    const on: Record<string, () => void> = {
      play: () => {
        if (sounding !== this) sounding?.pause();
        sounding = this;
        this.isPlaying.value = true;
        if (frame === 0) look();
      },
      pause: () => {
        this.isPlaying.value = false;
      },
      seeked: () => {
        if (frame === 0) look();
      },
      // In a page nobody looks at no frames are drawn, but it plays on.
      timeupdate: hurry,
      // It has another address now, and begins anew: go on from here.
      emptied: () => {
        this.awaited ??= { ms: this.nowMs.peek(), play: this.isPlaying.peek() };
      },
      ratechange: () => keep("rate", String(media.playbackRate)),
      loadedmetadata: () => {
        media.playbackRate = Number(stored("rate") ?? 1);
        const { awaited } = this;
        this.awaited = null;
        if (awaited !== null) this.seek(awaited.ms, awaited.play);
      },
    };
    for (const [name, listener] of Object.entries(on)) media.addEventListener(name, listener);
    return () => {
      cancelAnimationFrame(frame);
      for (const [name, listener] of Object.entries(on)) media.removeEventListener(name, listener);
      if (sounding === this) sounding = null;
      // Whatever comes in its place goes on from here.
      this.awaited ??= { ms: this.nowMs.peek(), play: !media.paused };
      this.isPlaying.value = false;
      this.media = null;
    };
  }
}
