import type { ComponentChildren } from "preact";
import { text } from "../i18n";
import { MicIcon } from "../parts/icons";
import { hasScreen, type Mode, type Source } from "./source";

const CALM_RADIUS = 34;
const LOUD_RADIUS = 58;

type StageProps = { mode: Mode; source: Source | null; trouble: string | null; children: ComponentChildren };

/** What the recording will show: the picture, or for a voice how loud it is. */
export function Stage({ mode, source, trouble, children }: StageProps) {
  const t = text.value.record;
  const isPicture = source !== null && source.recorded.getVideoTracks().length > 0;
  return (
    <div class={`stage ${mode === "voice" ? "is-voice" : ""}`}>
      {isPicture && (
        <video
          key={source}
          class={mode === "camera" ? "as-a-mirror" : ""}
          aria-label={t.preview}
          autoplay
          muted
          playsInline
          ref={(video) => {
            if (video !== null && video.srcObject === null) video.srcObject = source.recorded;
          }}
        />
      )}
      {source !== null && !isPicture && (
        <div class="stage-voice">
          <svg viewBox="-60 -60 120 120" aria-hidden="true">
            <circle class="stage-loud" r={CALM_RADIUS + source.level.value * (LOUD_RADIUS - CALM_RADIUS)} />
            <circle class="stage-calm" r={CALM_RADIUS} />
          </svg>
          <MicIcon />
        </div>
      )}
      {source === null && (
        <p class="stage-words" role={trouble === null ? "status" : "alert"}>
          {trouble ?? (hasScreen(mode) ? t.chooseHelp : t.asking)}
        </p>
      )}
      {children}
    </div>
  );
}
