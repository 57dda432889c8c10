// The camera in a corner of the screen, drawn frame by frame. Frames keep coming while the page is hidden, as it
// mostly is when a screen is shared; timers and animation frames do not.

/** Chromium's way to reach the frames of a track; TypeScript does not know it yet. */
declare class MediaStreamTrackProcessor {
  constructor(of: { track: MediaStreamTrack });
  readonly readable: ReadableStream<VideoFrame>;
}
declare class MediaStreamTrackGenerator extends MediaStreamTrack {
  constructor(of: { kind: "video" });
  readonly writable: WritableStream<VideoFrame>;
}

export const canDrawCorner = "MediaStreamTrackProcessor" in globalThis && "MediaStreamTrackGenerator" in globalThis;

const CORNER_SHARE = 0.22;
const MARGIN_SHARE = 0.02;
const ROUND_SHARE = 0.12;
const RIM_SHARE = 0.015;

export function cornerOf(screen: MediaStreamTrack, camera: MediaStreamTrack): MediaStreamTrack {
  const track = new MediaStreamTrackGenerator({ kind: "video" });
  void draw(screen, camera, track.writable.getWriter());
  return track;
}

async function draw(screen: MediaStreamTrack, camera: MediaStreamTrack, out: WritableStreamDefaultWriter<VideoFrame>) {
  let canvas: OffscreenCanvas | null = null;
  const shown: { frame: VideoFrame | null } = { frame: null };
  const follow = (async () => {
    for await (const frame of framesOf(screen)) {
      shown.frame?.close();
      shown.frame = frame;
    }
  })();
  // A still screen sends no frames; a camera always does, so it sets the pace.
  for await (const face of framesOf(camera)) {
    const { timestamp } = face;
    const back = shown.frame;
    if (back !== null) {
      // A window that changes its size does not change that of the recording.
      canvas ??= new OffscreenCanvas(even(back.displayWidth), even(back.displayHeight));
      paint(canvas, back, face);
    }
    face.close();
    if (canvas === null) continue;
    const frame = new VideoFrame(canvas, { timestamp, alpha: "discard" });
    // Once the track was stopped nobody takes it, nor always says so; what was taken is closed already.
    await out.write(frame).catch(() => undefined);
    frame.close();
  }
  await follow;
  shown.frame?.close();
  await out.close().catch(() => undefined);
}

async function* framesOf(track: MediaStreamTrack): AsyncGenerator<VideoFrame> {
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function paint(canvas: OffscreenCanvas, back: VideoFrame, face: VideoFrame): void {
  const context = canvas.getContext("2d", { alpha: false }) as OffscreenCanvasRenderingContext2D;
  const { width, height } = canvas;
  const scale = Math.min(width / back.displayWidth, height / back.displayHeight);
  const [shownWidth, shownHeight] = [back.displayWidth * scale, back.displayHeight * scale];
  context.fillRect(0, 0, width, height);
  context.drawImage(back, (width - shownWidth) / 2, (height - shownHeight) / 2, shownWidth, shownHeight);
  // The middle of the face, in a square with round corners.
  const side = width * CORNER_SHARE;
  const [left, top] = [width * (1 - MARGIN_SHARE) - side, height - width * MARGIN_SHARE - side];
  const cut = Math.min(face.displayWidth, face.displayHeight);
  context.save();
  context.beginPath();
  context.roundRect(left, top, side, side, side * ROUND_SHARE);
  context.clip();
  context.drawImage(face, (face.displayWidth - cut) / 2, (face.displayHeight - cut) / 2, cut, cut, left, top, side, side);
  context.restore();
  context.lineWidth = side * RIM_SHARE;
  context.strokeStyle = "white";
  context.stroke();
}

const even = (pixels: number) => Math.floor(pixels / 2) * 2;
