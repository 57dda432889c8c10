// The player loads only where somebody plays; until then its place is kept.
import type { Update } from "../api/types";
import { usePart } from "../part";
import type { Playback } from "../playback";
import { Loading, Trouble } from "./states";

export type Chapter = { start: number; title: string };

export type PlayerProps = {
  update: Update;
  playback: Playback;
  refresh: () => void;
  chapters?: readonly Chapter[];
  /** Another value where the words are others by now: captions are fetched again. */
  wording?: string;
};

const load = async () => (await import("./Player")).Player;

export function PlayerSlot(props: PlayerProps) {
  const { part: Player, problem } = usePart(load);
  if (problem !== null) return <Trouble problem={problem} retry={() => location.reload()} />;
  return Player === null ? <Loading /> : <Player {...props} />;
}

export const isPlayable = (update: Update): boolean =>
  update.recording.media.some((each) => each.kind === "video" || each.kind === "audio");
