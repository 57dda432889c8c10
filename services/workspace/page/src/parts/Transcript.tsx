// What was said as real text: words jump, the current one follows, doubtful ones are dotted, wrong ones are corrected.
import { useComputed, useSignal, useSignalEffect, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { announce } from "../announce";
import type { Transcript as TranscriptData } from "../api/types";
import { text } from "../i18n";
import { paragraphsOf, reusing, type Paragraph } from "../paragraphs";
import type { Playback } from "../playback";
import { Finder } from "./Finder";
import { DOUBTFUL, ParagraphLine, quoted, type Place } from "./Paragraph";

type Props = {
  transcript: TranscriptData;
  language: string | null;
  address: string;
  playback: Playback | null;
  finder: Signal<HTMLInputElement | null>;
  /** Filled with what begins a correction at the word that is selected or being said. */
  correct: Signal<(() => void) | null>;
  mayCorrect: boolean;
  startMs: number | null;
  reload: () => Promise<void>;
};

export function Transcript({ transcript, language, address, playback, finder, correct, mayCorrect, startMs, reload }: Props) {
  const t = text.value.transcript;
  const { segments, update_id: update } = transcript;
  const box = useRef<HTMLDivElement>(null);
  const words = useRef<Placed[]>([]);
  const isFollowing = useSignal(true);
  const editing = useSignal<Place | null>(null);
  const known = useSignal(transcript.corrections);
  known.value = transcript.corrections;
  const corrections = useComputed(() => new Map(known.value.map((each) => [each.id, each])));
  const old = useRef<Paragraph[]>([]);
  const paragraphs = useMemo(() => (old.current = reusing(old.current, paragraphsOf(segments, language))), [segments, language]);
  const mayEdit = mayCorrect && playback !== null;

  // A line that is the same object is not compared again: one corrected word must not cost twenty thousand.
  const lines = useMemo(() => new WeakMap<Paragraph, JSX.Element>(), [address, playback, mayEdit]);
  const lineOf = (paragraph: Paragraph) => {
    const made = lines.get(paragraph) ?? (
      <ParagraphLine
        key={paragraph.id}
        paragraph={paragraph}
        address={address}
        playback={playback}
        corrections={corrections}
        editing={mayEdit ? editing : null}
        save={async (change) => {
          try {
            await change();
          } finally {
            await reload();
          }
        }}
        update={update}
      />
    );
    lines.set(paragraph, made);
    return made;
  };

  useLayoutEffect(() => {
    const elements = box.current?.querySelectorAll<HTMLElement>("[data-s]") ?? [];
    words.current = Array.from(elements, (element) => ({ start: Number(element.dataset.s), element }));
  }, [paragraphs, editing.value]);

  useFollowing(words, playback, isFollowing);

  useEffect(() => {
    if (startMs === null) return;
    wordAt(words.current, startMs)?.element.scrollIntoView({ block: "center" });
  }, [startMs, paragraphs.length > 0]);

  const edit = (word: Element | null | undefined) => {
    const line = word?.closest<HTMLElement>("[data-paragraph]");
    if (!mayEdit || !line || !(word instanceof HTMLElement)) return;
    playback.pause();
    getSelection()?.removeAllRanges();
    editing.value = { paragraph: Number(line.dataset.paragraph), ms: Number(word.dataset.s) };
  };
  useEffect(() => {
    correct.value = mayEdit
      ? () => {
          const selected = getSelection()?.isCollapsed === false ? wordOf(getSelection()?.getRangeAt(0).startContainer) : null;
          edit(selected ?? wordAt(words.current, playback.nowMs.peek() + 40)?.element ?? words.current[0]?.element);
        }
      : null;
    return () => {
      correct.value = null;
    };
  }, [mayEdit, playback]);

  const onClick = (event: MouseEvent) => {
    const word = wordOf(event.target as Node);
    // Whoever selects text wants to copy it, not to jump.
    if (word === null || playback === null || getSelection()?.isCollapsed === false) return;
    isFollowing.value = true;
    playback.seek(Number(word.dataset.s), true);
  };

  const onCopy = (event: ClipboardEvent) => {
    const selection = getSelection();
    if (!selection || selection.isCollapsed) return;
    const node = selection.getRangeAt(0).startContainer;
    const word = wordOf(node) ?? node.parentElement?.querySelector<HTMLElement>("[data-s]");
    if (!word) return;
    event.clipboardData?.setData("text/plain", quoted(selection.toString(), address, Number(word.dataset.s)));
    event.preventDefault();
    announce(t.copied);
  };

  const hasDoubt = useMemo(() => segments.some((segment) => segment.words.some((word) => word.probability < DOUBTFUL)), [segments]);
  return (
    <>
      <Finder box={box} finder={finder} version={paragraphs} />
      <div
        ref={box}
        class="transcript"
        lang={language ?? undefined}
        onClick={onClick}
        onDblClick={(event) => edit(wordOf(event.target as Node))}
        onCopy={onCopy}
      >
        {paragraphs.map(lineOf)}
      </div>
      {(hasDoubt || transcript.corrections.length > 0) && (
        <p class="faint doubt-note">
          {hasDoubt && t.doubt} {hasDoubt && mayEdit && t.doubtHelp} {transcript.corrections.length > 0 && t.correctedNote}
        </p>
      )}
      {playback?.isPlaying.value && !isFollowing.value && (
        <button
          type="button"
          class="button follow"
          onClick={() => {
            isFollowing.value = true;
          }}
        >
          {t.follow}
        </button>
      )}
    </>
  );
}

function wordOf(node: Node | undefined): HTMLElement | null {
  const element = node instanceof Element ? node : node?.parentElement;
  return element?.closest<HTMLElement>("[data-s]") ?? null;
}

type Placed = { start: number; element: HTMLElement };

function wordAt(words: readonly Placed[], ms: number): Placed | undefined {
  let [low, high] = [0, words.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((words[middle]?.start ?? 0) <= ms) low = middle + 1;
    else high = middle;
  }
  return words[low - 1];
}

/** Mark the word being said and keep it in sight, until the reader scrolls. */
function useFollowing(words: { current: Placed[] }, playback: Playback | null, isFollowing: Signal<boolean>): void {
  const current = useRef<HTMLElement | null>(null);
  useSignalEffect(() => {
    if (playback === null) return;
    const ms = playback.nowMs.value;
    const follows = isFollowing.value && playback.isPlaying.value;
    const element = ms > 0 ? (wordAt(words.current, ms + 40)?.element ?? null) : null;
    if (element !== current.current) {
      current.current?.classList.remove("now");
      element?.classList.add("now");
      current.current = element;
      if (follows) keepInSight(element);
    }
  });
  useEffect(() => {
    const stop = (event: Event) => {
      if (event instanceof KeyboardEvent && !/^(Page|Arrow(Up|Down)|Home|End)/.test(event.key)) return;
      if (playback?.isPlaying.peek()) isFollowing.value = false;
    };
    const names = ["wheel", "touchmove", "keydown"];
    for (const name of names) addEventListener(name, stop, { passive: true });
    return () => {
      for (const name of names) removeEventListener(name, stop);
    };
  }, [playback]);
}

function keepInSight(element: HTMLElement | null): void {
  const place = element?.getBoundingClientRect();
  if (!place || (place.top > innerHeight * 0.3 && place.bottom < innerHeight * 0.75)) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element?.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
}
