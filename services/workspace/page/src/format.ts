// Times, dates and lengths in the reader's language.
import type { Update } from "./api/types";
import { language, text } from "./i18n";

const WORDS_READ_A_MINUTE = 230;
const SHORT_WORDS = 120;
const WORDS_SPOKEN_A_MINUTE = 150;

/** 83 000 → "1:23". */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const tail = `${String(s).padStart(2, "0")}`;
  return h > 0 ? `${h}:${String(m).padStart(2, "0")}:${tail}` : `${m}:${tail}`;
}

/** "3 min", or "20 s" for what is short. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds >= 55) return text.value.update.minutes(Math.round(seconds / 60));
  return text.value.update.seconds(Math.max(5, Math.round(seconds / 5) * 5));
}

export const readingMs = (words: number) => (words / WORDS_READ_A_MINUTE) * 60_000;
/** How long reading takes of what takes so long to say. */
export const readingMsOfSpeech = (ms: number) => readingMs((ms / 60_000) * WORDS_SPOKEN_A_MINUTE);
export const wordCount = (words: string) => words.split(/\s+/).filter(Boolean).length;

/** What an update is called, also before it has a title. */
export const titleOf = ({ title, kind }: Update) =>
  title ?? (kind === "text" ? text.value.update.written : text.value.update.recording);

/** So few written words are read faster than their gist. */
export const isShort = (update: Update) => update.text !== null && wordCount(update.text) <= SHORT_WORDS;

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ["minute", 60],
  ["hour", 3600],
  ["day", 86_400],
];

/** "2 hours ago" for what is fresh, a date for what is not. */
export function ago(moment: string): string {
  const seconds = (Date.now() - Date.parse(moment)) / 1000;
  const relative = new Intl.RelativeTimeFormat(language.value, { numeric: "auto" });
  if (seconds < 45) return relative.format(0, "second");
  const fitting = steps.findLast(([, length]) => seconds >= length * 0.75) ?? ["minute", 60];
  const count = Math.max(1, Math.round(seconds / fitting[1]));
  if (fitting[0] === "day" && count > 6) return day(moment);
  return relative.format(-count, fitting[0]);
}

export function day(moment: string): string {
  const date = new Date(moment);
  const year = date.getFullYear() === new Date().getFullYear() ? {} : ({ year: "numeric" } as const);
  return new Intl.DateTimeFormat(language.value, { day: "numeric", month: "short", ...year }).format(date);
}

export const exact = (moment: string) =>
  new Intl.DateTimeFormat(language.value, { dateStyle: "full", timeStyle: "short" }).format(new Date(moment));

export const timeOfDay = (moment: string) =>
  new Intl.DateTimeFormat(language.value, { timeStyle: "short" }).format(new Date(moment));

export const languageName = (code: string) =>
  new Intl.DisplayNames(language.value, { type: "language" }).of(code) ?? code;
