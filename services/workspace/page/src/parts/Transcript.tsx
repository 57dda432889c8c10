// What was said as real text: words jump, the current one follows, doubtful ones are dotted, wrong ones are corrected.
import { effect, useComputed, useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { announce } from "../announce";
import type { Transcript as TranscriptData } from "../api/types";
import { text } from "../i18n";
import { paragraphsOf, reusing, type Paragraph } from "../paragraphs";
import { centre, mark, Places, type Place } from "../places";
import type { Playback } from "../playback";
import { Finder } from "./Finder";
import { DOUBTFUL, ParagraphLine, quoted, type Editing } from "./Paragraph";

/** A word is marked a moment before it is heard, rather than after. */
const EARLY_MS = 40;

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
  const isFollowing = useSignal(true);
  const editing = useSignal<Editing | null>(null);
  const known = useSignal(transcript.corrections);
  known.value = transcript.corrections;
  const corrections = useComputed(() => new Map(known.value.map((each) => [each.id, each])));
  const old = useRef<Paragraph[]>([]);
  const paragraphs = useMemo(() => (old.current = reusing(old.current, paragraphsOf(segments, language))), [segments, language]);
  // Made anew with whatever is drawn anew, so that marks come back to where they were.
  const places = useMemo(() => new Places(box, paragraphs), [paragraphs, editing.value]);
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

  useFollowing(places, playback, isFollowing);

  useEffect(() => {
    const place = startMs === null ? null : places.atMoment(startMs);
    if (place !== null) centre(places.rangeOf(place));
  }, [startMs, paragraphs.length > 0]);

  const edit = (place: Place | null) => {
    const paragraph = place && paragraphs[place.index];
    if (!mayEdit || !paragraph) return;
    playback.pause();
    getSelection()?.removeAllRanges();
    editing.value = { paragraph: paragraph.id, ms: place.word.ms };
  };
  const selected = () => {
    const selection = getSelection();
    if (!selection || selection.isCollapsed) return null;
    const { startContainer, startOffset } = selection.getRangeAt(0);
    return places.at(startContainer, startOffset);
  };
  // As soon as there are words to see: whoever presses the key must not be quicker than the page.
  useLayoutEffect(() => {
    correct.value = mayEdit ? () => edit(selected() ?? places.atMoment(playback.nowMs.peek() + EARLY_MS)) : null;
    return () => {
      correct.value = null;
    };
  }, [mayEdit, playback, places]);

  const onClick = (event: MouseEvent) => {
    const place = places.atPointer(event);
    // Whoever selects text wants to copy it, not to jump.
    if (place === null || playback === null || getSelection()?.isCollapsed === false) return;
    isFollowing.value = true;
    playback.seek(place.word.ms, true);
  };

  const onCopy = (event: ClipboardEvent) => {
    const place = selected();
    if (place === null) return;
    event.clipboardData?.setData("text/plain", quoted(String(getSelection()), address, place.word.ms));
    event.preventDefault();
    announce(t.copied);
  };

  const point = (event: PointerEvent) => {
    // Text that scrolls under a resting pointer is not pointed at.
    if (event.type === "pointermove" && event.movementX === 0 && event.movementY === 0) return;
    const place = playback !== null && event.pointerType === "mouse" ? places.atPointer(event) : null;
    mark("pointed", [place && places.rangeOf(place)]);
    box.current?.classList.toggle("is-on-word", place !== null);
  };

  const hasDoubt = useMemo(() => segments.some((segment) => segment.words.some((word) => word.probability < DOUBTFUL)), [segments]);
  return (
    <>
      <Finder places={places} finder={finder} />
      <div
        ref={box}
        class="transcript"
        lang={language ?? undefined}
        onClick={onClick}
        onDblClick={(event) => edit(places.atPointer(event))}
        onPointerMove={point}
        onPointerLeave={point}
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

/** Mark the word being said and keep it in sight, until the reader scrolls. */
function useFollowing(places: Places, playback: Playback | null, isFollowing: Signal<boolean>): void {
  useEffect(() => {
    let said: Place["word"] | null = null;
    const stop = effect(() => {
      if (playback === null) return;
      const ms = playback.nowMs.value;
      const follows = isFollowing.value && playback.isPlaying.value;
      const place = ms > 0 ? places.atMoment(ms + EARLY_MS) : null;
      if (place?.word === said) return;
      said = place?.word ?? null;
      const range = place && places.rangeOf(place);
      mark("now", [range]);
      if (follows) keepInSight(range);
    });
    return () => {
      stop();
      mark("now", []);
    };
  }, [places, playback]);
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

function keepInSight(range: Range | null): void {
  const place = range?.getBoundingClientRect();
  if (!place || (place.top > innerHeight * 0.3 && place.bottom < innerHeight * 0.75)) return;
  centre(range, matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");
}
