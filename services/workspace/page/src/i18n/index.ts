// The language of the page: chosen here before, else by the browser. Other dictionaries load on demand.
import { signal } from "@preact/signals";
import { stored, keep } from "../stored";
import { en, type Dictionary } from "./en";

export const languages = { en: "English", de: "Deutsch", nl: "Nederlands" } as const;
export type Language = keyof typeof languages;

export const language = signal<Language>("en");
export const text = signal<Dictionary>(en);

const loaders: Record<Language, () => Promise<Dictionary>> = {
  en: async () => en,
  de: async () => (await import("./de")).de,
  nl: async () => (await import("./nl")).nl,
};

const isLanguage = (code: string | undefined): code is Language => code !== undefined && code in languages;

export function preferredLanguage(): Language {
  const wanted = [stored("language") ?? "", ...navigator.languages].map((tag) => tag.split("-")[0]);
  return wanted.find(isLanguage) ?? "en";
}

export async function speak(code: Language, remember = false): Promise<void> {
  text.value = await loaders[code]();
  language.value = code;
  document.documentElement.lang = code;
  if (remember) keep("language", code);
}
