// Finds words inside the transcript.
import { useSignal, type Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { text } from "../i18n";
import type { Paragraph } from "../paragraphs";
import { centre, mark, type Places } from "../places";
import { DownIcon, UpIcon } from "./icons";

/** What it finds is marked without touching the elements it is in. */
export function Finder({ places, finder }: { places: Places; finder: Signal<HTMLInputElement | null> }) {
  const t = text.value.transcript;
  const wanted = useSignal("");
  const at = useSignal(0);
  const found = useMemo(() => findAll(places.paragraphs, wanted.value.trim()), [places, wanted.value]);
  const now = found[Math.min(at.value, found.length - 1)];

  const step = (by: number) => {
    if (found.length > 0) at.value = (at.value + by + found.length) % found.length;
  };
  useEffect(() => {
    mark("found", found.map((hit) => places.range(...hit)));
  }, [found]);
  useEffect(() => {
    mark("found-now", [now ? places.range(...now) : null]);
  }, [now]);
  // Words that are still coming move the marks, and not the reader.
  useEffect(() => {
    if (now) centre(places.range(...now));
  }, [wanted.value, at.value]);
  useEffect(
    () => () => {
      mark("found", []);
      mark("found-now", []);
    },
    [],
  );
  return (
    <div class="finder" role="search" aria-label={t.find}>
      <input
        type="search"
        ref={(input) => {
          finder.value = input;
        }}
        aria-label={t.find}
        placeholder={t.find}
        value={wanted.value}
        onInput={(event) => {
          wanted.value = event.currentTarget.value;
          at.value = 0;
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
        }}
      />
      <span class="faint" role="status">
        {wanted.value.trim().length > 1 && t.matches(found.length && at.value + 1, found.length)}
      </span>
      {found.length > 1 && (
        <>
          <button type="button" class="icon-button" aria-label={t.previous} onClick={() => step(-1)}>
            <UpIcon />
          </button>
          <button type="button" class="icon-button" aria-label={t.next} onClick={() => step(1)}>
            <DownIcon />
          </button>
        </>
      )}
    </div>
  );
}

/** In which paragraph, from which character, to which. */
type Hit = [index: number, from: number, to: number];

function findAll(paragraphs: readonly Paragraph[], wanted: string): Hit[] {
  if (wanted.length < 2) return [];
  const pattern = new RegExp(wanted.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "giu");
  return paragraphs.flatMap(({ text: said }, index) =>
    Array.from(said.matchAll(pattern), (match): Hit => [index, match.index, match.index + match[0].length]),
  );
}
