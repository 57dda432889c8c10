// The studio: choose what is recorded, see and hear it, count down, record, post. A dialog over wherever one was.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { announce } from "../announce";
import { text } from "../i18n";
import { lookAgain } from "../live";
import { Failure, useAction } from "../parts/action";
import { CloseIcon } from "../parts/icons";
import { keep, stored } from "../stored";
import "../style/studio.css";
import { canDrawCorner } from "./corner";
import { occasion, type Occasion } from "./open";
import { Countdown, Recording } from "./Recording";
import { Setup } from "./Setup";
import { type Choice, hasScreen, type Mode, Source } from "./source";
import { Stage } from "./Stage";
import { Take } from "./take";

const canShareScreen = "getDisplayMedia" in navigator.mediaDevices;
export const MODES = (["camera", "screen", "corner", "voice"] as const).filter(
  (mode) => !hasScreen(mode) || (canShareScreen && (mode === "screen" || canDrawCorner)),
);

export function Studio({ occasion: { thread, replyTo } }: { occasion: Occasion }) {
  const t = text.value.record;
  const dialog = useRef<HTMLDialogElement>(null);
  const mode = useSignal<Mode>(MODES.find((each) => each === stored("mode")) ?? "camera");
  const choice = useSignal<Choice>({ camera: stored("camera"), microphone: stored("microphone") });
  const source = useSignal<Source | null>(null);
  const trouble = useSignal<string | null>(null);
  const isCounting = useSignal(false);
  const take = useSignal<Take | null>(null);

  const leave = () => {
    // Closed before it goes, so that the focus returns to where it was.
    dialog.current?.close();
    occasion.value = null;
    lookAgain();
  };
  const open = async () => {
    trouble.value = null;
    const wanted = [mode.value, choice.value] as const;
    try {
      const opened = await Source.open(...wanted);
      // Meanwhile something else was chosen, or the studio closed.
      if (dialog.current === null || wanted[0] !== mode.value || wanted[1] !== choice.value) return opened.close();
      opened.whenEnded = (isScreen) => {
        if (!isScreen) trouble.value = take.value === null ? t.missing : t.lost;
        if (take.value !== null) take.value.stop();
        else letGo();
      };
      source.value = opened;
    } catch (error) {
      if (wanted[0] === mode.value) trouble.value = reasonOf(error as Error);
    }
  };
  const letGo = () => {
    isCounting.value = false;
    source.value?.close();
    source.value = null;
  };

  useEffect(() => {
    dialog.current?.showModal();
    return () => source.peek()?.close();
  }, []);
  useEffect(() => {
    letGo();
    // A screen is only asked for after a click of its own.
    if (!hasScreen(mode.value)) void open();
  }, [mode.value, choice.value]);
  const state = take.value?.state.value;
  useEffect(() => {
    if (state !== "stopped") return;
    if (take.value?.transfer.state.value !== "refused") announce(trouble.value ?? t.posted);
    leave();
  }, [state]);

  const start = async () => {
    isCounting.value = false;
    if (source.value !== null) take.value = await Take.begin(source.value, thread, replyTo);
  };
  const discarding = useAction();
  const discard = (then: () => void) =>
    void discarding.run(async () => {
      await take.value?.discard();
      take.value = null;
      then();
    });
  return (
    <dialog
      ref={dialog}
      class="studio"
      aria-labelledby="studio"
      onCancel={(event) => {
        event.preventDefault();
        // A key pressed by mistake must not cost a recording.
        if (take.value === null) leave();
      }}
      onKeyDown={(event) => {
        // Asked twice in a row, browsers close a dialog whatever it answers.
        if (event.key === "Escape" && take.value !== null) event.preventDefault();
      }}
      onClose={() => {
        // Nor does the way back of a telephone ask at all.
        if (occasion.value === null) return;
        if (take.value === null) leave();
        else dialog.current?.showModal();
      }}
    >
      <header class="studio-head">
        <h2 id="studio">{replyTo === null ? t.heading : t.replyHeading}</h2>
        {take.value === null && (
          <button type="button" class="icon-button" aria-label={text.value.close} onClick={leave}>
            <CloseIcon />
          </button>
        )}
      </header>
      <Stage mode={mode.value} source={source.value} trouble={trouble.value}>
        {isCounting.value && <Countdown done={() => void start()} />}
      </Stage>
      {take.value !== null ? (
        <Recording
          take={take.value}
          redo={() => discard(() => undefined)}
          discard={() => discard(leave)}
        />
      ) : (
        !isCounting.value && (
          <Setup
            mode={mode.value}
            modes={MODES}
            choice={choice.value}
            source={source.value}
            choose={(wanted) => {
              mode.value = wanted;
              keep("mode", wanted);
            }}
            use={(wanted) => {
              choice.value = wanted;
              keep("camera", wanted.camera);
              keep("microphone", wanted.microphone);
            }}
            open={() => void open()}
            hasFailed={trouble.value !== null}
            start={() => {
              isCounting.value = true;
            }}
          />
        )
      )}
      {/* Here, because nothing beside a dialog is heard or seen while it is open. */}
      <Failure of={discarding} />
    </dialog>
  );
}

function reasonOf(error: Error): string {
  const t = text.value.record;
  if (error.name === "NotAllowedError") return t.denied;
  if (error.name === "NotFoundError") return t.missing;
  if (error.name === "NotReadableError" || error.name === "AbortError") return t.busy;
  return error.message || text.value.failed;
}
