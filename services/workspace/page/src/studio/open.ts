// Whether somebody is in the studio, and for which thread. The studio itself loads when it is wanted.
import { signal } from "@preact/signals";

export type Occasion = { thread: string; replyTo: string | null };

export const occasion = signal<Occasion | null>(null);

/** Browsers hide cameras and microphones from pages that come without TLS from elsewhere. */
export const canRecord = "MediaRecorder" in globalThis && navigator.mediaDevices !== undefined;
