import { useComputed, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Playback } from "../playback";
import type { Chapter } from "./PlayerSlot";

const BAR = 3;
const GAP = 2;
const MARK = 9;

type Props = { url: string | undefined; playback: Playback; durationMs: number; chapters: readonly Chapter[] };

/** The loudness over time, coloured as far as it has been played, with a mark where a chapter begins. A picture; the
 * slider over it is the control. */
export function Waveform({ url, playback, durationMs, chapters }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [peaks, setPeaks] = useState<number[]>([]);
  const [width, setWidth] = useState(0);

  useEffect(() => {
    if (url === undefined) return;
    let gone = false;
    fetch(url)
      .then((reply) => reply.json())
      .then((drawing: { peaks: number[] }) => gone || setPeaks(drawing.peaks))
      // Without a picture the slider still works.
      .catch(() => undefined);
    return () => {
      gone = true;
    };
  }, [url]);

  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)));
    if (canvas.current) watcher.observe(canvas.current);
    return () => watcher.disconnect();
  }, []);

  const levels = useMemo(() => levelsOf(peaks, Math.floor(width / (BAR + GAP))), [peaks, width]);
  const marks = useMemo(() => chapters.slice(1).map(({ start }) => start / (durationMs || 1)), [chapters, durationMs]);
  // Time passes with every frame, the picture changes with every bar.
  const playedBars = useComputed(() => Math.ceil((playback.nowMs.value / (durationMs || 1)) * levels.length));
  useSignalEffect(() => draw(canvas.current, levels, playedBars.value, marks));
  useEffect(() => draw(canvas.current, levels, playedBars.peek(), marks), [levels, marks]);
  return <canvas ref={canvas} aria-hidden="true" />;
}

function levelsOf(peaks: number[], bars: number): number[] {
  const loudest = peaks.reduce((most, peak) => Math.max(most, peak), 32);
  return Array.from({ length: bars }, (_, bar) => {
    const from = Math.floor((bar / bars) * peaks.length);
    const to = Math.max(from + 1, Math.floor(((bar + 1) / bars) * peaks.length));
    return peaks.length ? Math.max(...peaks.slice(from, to)) / loudest : 0;
  });
}

function draw(canvas: HTMLCanvasElement | null, levels: number[], playedBars: number, marks: number[]): void {
  const context = canvas?.getContext("2d");
  if (!canvas || !context || canvas.clientWidth === 0) return;
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = width * scale;
  canvas.height = height * scale;
  context.scale(scale, scale);
  const style = getComputedStyle(canvas);
  levels.forEach((level, bar) => {
    const tall = Math.max(3, level * (height - 4));
    context.fillStyle = bar < playedBars ? style.color : style.borderTopColor;
    context.beginPath();
    context.roundRect(bar * (BAR + GAP), (height - tall) / 2, BAR, tall, BAR / 2);
    context.fill();
  });
  context.fillStyle = style.color;
  for (const mark of marks) {
    // Short, at both edges: a whole line is where it plays.
    for (const top of [0, height - MARK]) context.fillRect(Math.round(mark * width), top, 2, MARK);
  }
}
