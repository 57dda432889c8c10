// One paragraph of a transcript: its time and tools beside it, and its words.
import { useComputed, type Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { Correction } from "../api/types";
import { copy } from "../clipboard";
import { clock, languageName } from "../format";
import { text } from "../i18n";
import type { Paragraph } from "../paragraphs";
import type { Playback } from "../playback";
import { Correcting } from "./Correcting";
import { LinkIcon, PenIcon } from "./icons";
import { SpeakerName } from "./SpeakerName";

export const DOUBTFUL = 0.45;

/** The paragraph somebody corrects now, and at which of its words. */
export type Editing = { paragraph: number; ms: number };

type Props = {
  paragraph: Paragraph;
  address: string;
  playback: Playback | null;
  corrections: Signal<ReadonlyMap<string, Correction>>;
  /** Null where the reader may not correct. */
  editing: Signal<Editing | null> | null;
  save: (changed: () => Promise<unknown>) => Promise<void>;
  update: string;
};

export function ParagraphLine({ paragraph, address, playback, corrections, editing, save, update }: Props) {
  const t = text.value;
  const { id, start, tongue, namesTongue, speaker, segments } = paragraph;
  const at = start === null ? null : Math.round(start * 1000);
  const isEdited = useComputed(() => editing?.value?.paragraph === id);
  const said = useRef<HTMLDivElement>(null);
  const select = () => {
    const words = said.current?.querySelector(":scope > p");
    if (words) getSelection()?.selectAllChildren(words);
  };
  return (
    <div class="paragraph" lang={tongue ?? undefined} data-paragraph={id}>
      {at !== null && playback !== null && (
        <div class="paragraph-side">
          <button type="button" class="time" aria-label={t.update.playFrom(clock(at))} onClick={() => playback.seek(at, true)}>
            {clock(at)}
          </button>
          <span>
            <button
              type="button"
              class="tool"
              aria-label={`${t.transcript.copy}, ${clock(at)}`}
              title={t.transcript.copy}
              onClick={() => void copy(quoted(paragraph.text, address, at), t.transcript.copied, select)}
            >
              <LinkIcon />
            </button>
            {editing !== null && (
              <button
                type="button"
                class="tool"
                aria-label={`${t.transcript.correct}, ${clock(at)}`}
                title={t.transcript.correct}
                onClick={() => {
                  editing.value = { paragraph: id, ms: at };
                }}
              >
                <PenIcon />
              </button>
            )}
          </span>
        </div>
      )}
      <div ref={said} class="paragraph-words">
        {(speaker !== null || namesTongue) && (
          <div class="speaker">
            {speaker !== null && (
              <SpeakerName update={update} label={segments[0]?.speaker_label ?? null} name={speaker} mayName={editing !== null} save={save} />
            )}
            {namesTongue && tongue !== null && <span lang={document.documentElement.lang}>{languageName(tongue)}</span>}
          </div>
        )}
        {isEdited.value && editing !== null ? (
          <Correcting paragraph={paragraph} editing={editing} corrections={corrections.value} save={save} update={update} />
        ) : (
          <Words paragraph={paragraph} corrections={corrections} />
        )}
      </div>
    </div>
  );
}

export function quoted(words: string, address: string, ms: number): string {
  return `“${words.trim()}”\n${address}?t=${Math.floor(ms / 1000)}`;
}

/** Text, and elements only for those few words that look different. */
function Words({ paragraph, corrections }: { paragraph: Paragraph; corrections: Props["corrections"] }) {
  const pieces: ComponentChildren[] = [];
  let end = 0;
  for (const { from, to, probability, correction } of paragraph.words) {
    const made = correction === null ? undefined : corrections.peek().get(correction);
    if (made === undefined && probability >= DOUBTFUL) continue;
    pieces.push(
      paragraph.text.slice(end, from),
      <span class={made ? "corrected" : "doubtful"} title={made && text.value.transcript.heardAs(made.original, made.author_name)}>
        {paragraph.text.slice(from, to)}
      </span>,
    );
    end = to;
  }
  return (
    <p>
      {pieces}
      {paragraph.text.slice(end)}
    </p>
  );
}
