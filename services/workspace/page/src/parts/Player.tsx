import "media-chrome/dist/media-controller.js";
import "media-chrome/dist/media-control-bar.js";
import "media-chrome/dist/media-play-button.js";
import "media-chrome/dist/media-mute-button.js";
import "media-chrome/dist/media-time-range.js";
import "media-chrome/dist/media-time-display.js";
import "media-chrome/dist/media-pip-button.js";
import "media-chrome/dist/media-fullscreen-button.js";
import "media-chrome/dist/media-loading-indicator.js";
import "media-chrome/dist/lang/de.js";
import "./player-nl";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { captionsUrl } from "../api/client";
import { clock } from "../format";
import { language, languages, text } from "../i18n";
import { RATES, skipsSilence, toggleSilence } from "../playback";
import { keep, stored } from "../stored";
import { SkipIcon } from "./icons";
import type { Chapter, PlayerProps } from "./PlayerSlot";
import { Waveform } from "./Waveform";

const CAPTIONS = "captions";

const NO_CHAPTERS: readonly Chapter[] = [];

export function Player({ update, playback, refresh, chapters = NO_CHAPTERS, wording = "" }: PlayerProps) {
  const t = text.value;
  const media = useRef<HTMLVideoElement>(null);
  const [failed, setFailed] = useState(false);
  const [rate, setRate] = useState(1);
  const [hasCaptionsOn, setCaptions] = useState(false);
  /** How far taking new addresses is, since those in use stopped working. */
  const renewing = useRef<"no" | "asked" | "tried">("no");
  const of = (kind: string) => update.recording.media.find((each) => each.kind === kind)?.url;
  // Addresses are new with every reply; the first one stays until it stops working.
  const version = update.recording.media.map((each) => each.kind + each.size_bytes).join();
  const [renewal, setRenewal] = useState(0);
  const source = useMemo(
    () => ({ play: of("video") ?? of("audio"), poster: of("poster"), peaks: of("peaks") }),
    [update.id, version, renewal],
  );
  const isVideo = of("video") !== undefined && update.recording.has_video === true;
  const hasCaptions = update.transcript.state === "complete";

  // At once: an element that has left the page is paused a moment later.
  useLayoutEffect(() => (media.current === null ? undefined : playback.attach(media.current)), [playback, isVideo]);

  useEffect(() => {
    const track = captionsOf(media.current);
    if (!isVideo || !hasCaptions || track === undefined) return;
    track.mode = stored(CAPTIONS) === "off" ? "disabled" : "showing";
    setCaptions(track.mode === "showing");
    const remember = () => {
      setCaptions(track.mode === "showing");
      keep(CAPTIONS, track.mode === "showing" ? null : "off");
    };
    media.current?.textTracks.addEventListener("change", remember);
    return () => media.current?.textTracks.removeEventListener("change", remember);
  }, [isVideo, hasCaptions, update.transcript.revision, wording, source]);

  const chaptersUrl = useChapters(chapters, update.recording.duration_ms ?? 0);
  useEffect(() => {
    // Read by the browser and whoever asks it, and not drawn over the picture.
    const track = [...(media.current?.textTracks ?? [])].find((each) => each.kind === "chapters");
    if (track !== undefined) track.mode = "hidden";
  }, [chaptersUrl, isVideo]);

  const onError = () => {
    if (renewing.current === "tried") setFailed(true);
    if (renewing.current !== "no") return;
    // Most likely the address is over an hour old: take a new one.
    renewing.current = "asked";
    refresh();
  };
  useEffect(() => {
    if (renewing.current !== "asked") return;
    renewing.current = "tried";
    setRenewal((count) => count + 1);
  }, [update]);

  const shared = {
    ref: media,
    slot: "media",
    src: source.play,
    preload: "metadata" as const,
    playsInline: true,
    onError,
    onRateChange: () => setRate(media.current?.playbackRate ?? 1),
    onPlaying: () => {
      renewing.current = "no";
      setFailed(false);
    },
  };
  const toggleCaptions = () => {
    const track = captionsOf(media.current);
    if (track !== undefined) track.mode = track.mode === "showing" ? "disabled" : "showing";
  };
  const saved = playback.silences.value.reduce((sum, [from, to]) => sum + to - from, 0);
  return (
    <div class={`player ${isVideo ? "is-video" : "is-audio"}`} role="region" aria-label={t.player.label}>
      <media-controller key={isVideo ? "video" : "audio"} lang={language.value} nohotkeys audio={isVideo ? undefined : true} gesturesdisabled={isVideo ? undefined : true}>
        {isVideo ? (
          <video {...shared} {...(source.poster === undefined ? {} : { poster: source.poster })}>
            {hasCaptions && (
              <track
                key={`${update.transcript.revision}/${wording}`}
                kind="captions"
                src={captionsUrl(update.id)}
                srclang={update.transcript.language ?? "en"}
                label={languages[update.transcript.language as keyof typeof languages] ?? update.transcript.language ?? ""}
              />
            )}
            {chaptersUrl && <track kind="chapters" src={chaptersUrl} srclang={language.value} label={t.summary.chapter} />}
          </video>
        ) : (
          <audio {...(shared as object)} ref={media as never}>
            {chaptersUrl && <track kind="chapters" src={chaptersUrl} srclang={language.value} label={t.summary.chapter} />}
          </audio>
        )}
        {isVideo && <media-loading-indicator slot="centered-chrome" noautohide />}
        {!isVideo && (
          <div class="wave">
            <Waveform url={source.peaks} playback={playback} durationMs={update.recording.duration_ms ?? 0} chapters={chapters} />
            <media-time-range />
          </div>
        )}
        <media-control-bar>
          <media-play-button notooltip />
          <media-time-display showduration={true} noToggle />
          {isVideo ? <media-time-range /> : <span class="grow" />}
          <media-mute-button notooltip />
          <select
            class="control"
            aria-label={t.player.speed}
            value={rate}
            onChange={(event) => {
              if (media.current) media.current.playbackRate = Number(event.currentTarget.value);
            }}
          >
            {RATES.map((each) => (
              <option key={each} value={each}>
                {each}×
              </option>
            ))}
          </select>
          {saved > 0 && (
            <button
              type="button"
              class="control"
              aria-pressed={skipsSilence.value}
              aria-label={t.player.skipSilence}
              title={`${t.player.skipSilence} (−${clock(saved)})`}
              onClick={toggleSilence}
            >
              <SkipIcon />
            </button>
          )}
          {isVideo && hasCaptions && (
            <button type="button" class="control captions" aria-label={`${t.player.captions} (CC)`} aria-pressed={hasCaptionsOn} onClick={toggleCaptions}>
              CC
            </button>
          )}
          {isVideo && <media-pip-button notooltip />}
          {isVideo && <media-fullscreen-button notooltip />}
        </media-control-bar>
      </media-controller>
      {failed && <p class="alarm" role="alert">{t.player.failed}</p>}
    </div>
  );
}

function captionsOf(media: HTMLMediaElement | null): TextTrack | undefined {
  return [...(media?.textTracks ?? [])].find((track) => track.kind === "captions");
}

/** Chapters as the browser wants them: WebVTT at an address. */
function useChapters(chapters: readonly Chapter[], durationMs: number): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (chapters.length === 0) return;
    const stamp = (ms: number) => new Date(ms).toISOString().slice(11, 23);
    const cues = chapters.map(({ start, title }, index) => {
      const end = chapters[index + 1]?.start ?? Math.max(durationMs, start + 1000);
      return `${stamp(start)} --> ${stamp(end)}\n${title.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")}`;
    });
    const made = URL.createObjectURL(new Blob([["WEBVTT", ...cues].join("\n\n")], { type: "text/vtt" }));
    setUrl(made);
    return () => {
      setUrl(null);
      URL.revokeObjectURL(made);
    };
  }, [chapters, durationMs]);
  return url;
}
