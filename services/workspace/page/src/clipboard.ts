import { announce } from "./announce";
import { text } from "./i18n";

/** Copy it. Where the browser lets no page do so, as over plain HTTP from elsewhere, select what the reader can copy. */
export async function copy(words: string, done: string, select: () => void): Promise<void> {
  try {
    await navigator.clipboard.writeText(words);
    announce(done);
  } catch {
    select();
    announce(text.value.copyYourself);
  }
}
