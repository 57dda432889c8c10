// Says things to screen readers, and shows them for a moment to everybody else.
import { signal } from "@preact/signals";

const SHOWN_MS = 4_000;

export const announcement = signal("");
let timer: ReturnType<typeof setTimeout> | undefined;

export function announce(sentence: string): void {
  clearTimeout(timer);
  announcement.value = sentence;
  timer = setTimeout(() => {
    announcement.value = "";
  }, SHOWN_MS);
}
