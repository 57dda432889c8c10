// Keys for playing and reading, and the list of them.
import { useSignal, type Signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { text } from "../i18n";
import { toggleSilence, type Playback } from "../playback";

type Props = {
  playback: Playback;
  finder: Signal<HTMLInputElement | null>;
  correct: Signal<(() => void) | null>;
  neighbour: (step: 1 | -1) => void;
};

export function Keys({ playback, finder, correct, neighbour }: Props) {
  const t = text.value;
  const isShown = useSignal(false);
  const sheet = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const act = actionOf(event, { playback, finder, correct, neighbour, help: () => (isShown.value = !isShown.value) });
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [playback, neighbour]);
  useEffect(() => {
    if (isShown.value) sheet.current?.showModal();
    else sheet.current?.close();
  }, [isShown.value]);
  return (
    <>
      <button
        type="button"
        class="link keys-link"
        onClick={() => {
          isShown.value = true;
        }}
      >
        {t.player.keys} <kbd>?</kbd>
      </button>
      <dialog
        ref={sheet}
        aria-labelledby="keys-heading"
        onClose={() => {
          isShown.value = false;
        }}
      >
        <h2 id="keys-heading">{t.player.keysHeading}</h2>
        <dl class="keys">
          {t.player.keyList.map(([key, what]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <form method="dialog">
          <button class="button quiet">{t.close}</button>
        </form>
      </dialog>
    </>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, dialog, [contenteditable]") !== null;
}

type Acts = Props & { help: () => void };

function actionOf(event: KeyboardEvent, { playback, finder, correct, neighbour, help }: Acts): (() => void) | undefined {
  const { key } = event;
  const onControl = event.target instanceof Element && event.target.closest("button, a, media-time-range, summary") !== null;
  if (key === " ") return onControl ? undefined : () => playback.toggle();
  if (key.startsWith("Arrow") && onControl) return undefined;
  if (/^[0-9]$/.test(key)) return () => playback.jumpTo(Number(key) / 10);
  const acts: Record<string, () => void> = {
    k: () => playback.toggle(),
    ArrowLeft: () => playback.step(-5000),
    ArrowRight: () => playback.step(5000),
    j: () => playback.step(-10_000),
    l: () => playback.step(10_000),
    "<": () => playback.faster(-1),
    ">": () => playback.faster(1),
    m: () => playback.toggleSound(),
    f: () => press("media-fullscreen-button"),
    c: () => press(".player .captions"),
    s: toggleSilence,
    e: () => correct.value?.(),
    t: () => document.getElementById("transcript")?.focus(),
    "/": () => finder.value?.focus(),
    n: () => neighbour(1),
    p: () => neighbour(-1),
    "?": help,
  };
  return acts[key.length === 1 ? key.toLowerCase() : key];
}

function press(control: string): void {
  document.querySelector<HTMLElement>(control)?.click();
}
