// Finds words inside the transcript.
import { useSignal, type Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { text } from "../i18n";
import { DownIcon, UpIcon } from "./icons";

/** What it finds is marked without touching the elements it is in. */
export function Finder({ box, finder, version }: { box: { current: HTMLElement | null }; finder: Signal<HTMLInputElement | null>; version: unknown }) {
  const t = text.value.transcript;
  const wanted = useSignal("");
  const at = useSignal(0);
  const found = useRef<Range[]>([]);
  const count = useSignal(0);

  const show = () => {
    const range = found.current[at.value];
    CSS.highlights?.set("found-now", new Highlight(...(range ? [range] : [])));
    range?.startContainer.parentElement?.scrollIntoView({ block: "center" });
  };
  const step = (by: number) => {
    if (found.current.length === 0) return;
    at.value = (at.value + by + found.current.length) % found.current.length;
    show();
  };
  useEffect(() => {
    found.current = box.current && wanted.value.trim().length > 1 ? rangesOf(box.current, wanted.value.trim()) : [];
    count.value = found.current.length;
    at.value = 0;
    CSS.highlights?.set("found", new Highlight(...found.current));
    if (wanted.value) show();
    else CSS.highlights?.delete("found-now");
  }, [wanted.value, version]);
  useEffect(
    () => () => {
      CSS.highlights?.delete("found");
      CSS.highlights?.delete("found-now");
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
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
        }}
      />
      <span class="faint" role="status">
        {wanted.value.trim().length > 1 && t.matches(count.value && at.value + 1, count.value)}
      </span>
      {count.value > 1 && (
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

function rangesOf(box: HTMLElement, wanted: string): Range[] {
  const ranges: Range[] = [];
  for (const paragraph of box.querySelectorAll("p")) {
    const nodes: { node: Text; from: number }[] = [];
    let whole = "";
    const walker = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode as Text;
      nodes.push({ node, from: whole.length });
      whole += node.data;
    }
    const placeOf = (index: number) => nodes.findLast(({ from }) => from <= index);
    const [haystack, needle] = [whole.toLowerCase(), wanted.toLowerCase()];
    for (let index = haystack.indexOf(needle); index >= 0; index = haystack.indexOf(needle, index + 1)) {
      const [first, last] = [placeOf(index), placeOf(index + needle.length - 1)];
      if (!first || !last) continue;
      const range = document.createRange();
      range.setStart(first.node, Math.min(index - first.from, first.node.length));
      range.setEnd(last.node, Math.min(index + needle.length - last.from, last.node.length));
      ranges.push(range);
    }
  }
  return ranges;
}
