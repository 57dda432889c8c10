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

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** "2 hours ago" for what is fresh, the day as the calendar counts it for what is older, then a date. */
export function ago(moment: string): string {
  const then = new Date(moment);
  const ms = Date.now() - then.getTime();
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(then).setHours(0, 0, 0, 0)) / DAY_MS);
  const relative = new Intl.RelativeTimeFormat(language.value, { numeric: "auto" });
  if (ms < 45_000) return relative.format(0, "second");
  if (ms < 0.75 * HOUR_MS) return relative.format(-Math.max(1, Math.round(ms / MINUTE_MS)), "minute");
  if (ms < DAY_MS / 2 || days === 0) return relative.format(-Math.round(ms / HOUR_MS), "hour");
  return days > 6 ? day(moment) : relative.format(-days, "day");
}

/** The day of a moment, or a day without time, which is the same everywhere. */
export function day(moment: string): string {
  const date = new Date(moment.includes("T") ? moment : `${moment}T00:00`);
  const year = date.getFullYear() === new Date().getFullYear() ? {} : ({ year: "numeric" } as const);
  return new Intl.DateTimeFormat(language.value, { day: "numeric", month: "short", ...year }).format(date);
}

export const exact = (moment: string) =>
  new Intl.DateTimeFormat(language.value, { dateStyle: "full", timeStyle: "short" }).format(new Date(moment));

export const timeOfDay = (moment: string) =>
  new Intl.DateTimeFormat(language.value, { timeStyle: "short" }).format(new Date(moment));

export const languageName = (code: string) =>
  new Intl.DisplayNames(language.value, { type: "language" }).of(code) ?? code;
