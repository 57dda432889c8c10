// The player loads only where somebody plays; until then its place is kept.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Update } from "../api/types";
import type { Playback } from "../playback";
import { Loading } from "./states";

export type Chapter = { start: number; title: string };

export type PlayerProps = {
  update: Update;
  playback: Playback;
  refresh: () => void;
  chapters?: readonly Chapter[];
  /** Another value where the words are others by now: captions are fetched again. */
  wording?: string;
};

type Component = (props: PlayerProps) => JSX.Element;

let loaded: Component | null = null;

export function PlayerSlot(props: PlayerProps) {
  const [Player, setPlayer] = useState<Component | null>(() => loaded);
  useEffect(() => {
    if (loaded !== null) return;
    void import("./Player").then((module) => {
      loaded = module.Player;
      setPlayer(() => module.Player);
    });
  }, []);
  return Player === null ? <Loading /> : <Player {...props} />;
}

export const isPlayable = (update: Update): boolean =>
  update.recording.media.some((each) => each.kind === "video" || each.kind === "audio");
