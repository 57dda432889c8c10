// What is recorded: camera, screen or both, with the sound of microphone and screen in one.
import { signal } from "@preact/signals";
import { cornerOf } from "./corner";

export type Mode = "camera" | "screen" | "corner" | "voice";
export type Choice = { camera: string | null; microphone: string | null };

const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const SCREEN = { width: { max: 1920 }, height: { max: 1080 }, frameRate: { ideal: 30 } };
const VOICE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

export const hasScreen = (mode: Mode) => mode === "screen" || mode === "corner";
export const hasCamera = (mode: Mode) => mode === "camera" || mode === "corner";

export class Source {
  /** How loud it is, from 0 (silence) to 1. */
  readonly level = signal(0);
  /** Called when the browser's own button ends the sharing of the screen, or a device went away. */
  whenEnded: (isScreen: boolean) => void = () => undefined;
  private readonly context = new AudioContext();
  private frame = 0;

  private constructor(
    readonly mode: Mode,
    /** What becomes the recording. */
    readonly recorded: MediaStream,
    private readonly held: MediaStream[],
  ) {}

  /** Ask for what the mode needs. Fails with the browser's DOMException; then nothing stays open. */
  static async open(mode: Mode, choice: Choice): Promise<Source> {
    const held: MediaStream[] = [];
    try {
      // The screen first: browsers ask for it only right after a click.
      const screen = hasScreen(mode) ? await navigator.mediaDevices.getDisplayMedia({ video: SCREEN, audio: true }) : null;
      if (screen !== null) held.push(screen);
      const person = await navigator.mediaDevices.getUserMedia({
        audio: { ...VOICE, ...exactly(choice.microphone) },
        video: hasCamera(mode) ? { ...PICTURE, ...exactly(choice.camera) } : false,
      });
      held.push(person);
      const source = new Source(mode, new MediaStream(), held);
      source.hear(held);
      const [shown] = screen?.getVideoTracks() ?? [];
      const [face] = person.getVideoTracks();
      const picture = shown && face ? cornerOf(shown, face) : (shown ?? face);
      if (picture !== undefined) source.recorded.addTrack(picture);
      // What is recorded is mixed and drawn here, so it would go on with silence and a still picture.
      for (const stream of held) {
        for (const track of stream.getTracks()) track.addEventListener("ended", () => source.whenEnded(stream === screen));
      }
      return source;
    } catch (error) {
      letGo(held);
      throw error;
    }
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.whenEnded = () => undefined;
    letGo([...this.held, this.recorded]);
    void this.context.close();
  }

  /** Mix every sound into one track, and watch how loud it is. */
  private hear(streams: MediaStream[]): void {
    const mixed = this.context.createMediaStreamDestination();
    const analyser = this.context.createAnalyser();
    for (const stream of streams) {
      if (stream.getAudioTracks().length === 0) continue;
      const sound = this.context.createMediaStreamSource(stream);
      sound.connect(mixed);
      sound.connect(analyser);
    }
    void this.context.resume();
    for (const track of mixed.stream.getAudioTracks()) this.recorded.addTrack(track);
    const samples = new Float32Array(analyser.fftSize);
    const look = () => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, each) => sum + each * each, 0) / samples.length;
      // From -60 dB (silence) to 0 dB, as ears judge it.
      this.level.value = Math.max(0, Math.min(1, 1 + Math.log10(power + 1e-9) / 6));
      this.frame = requestAnimationFrame(look);
    };
    look();
  }
}

/** A device chosen once and unplugged since gives way to another. */
const exactly = (device: string | null) => (device === null ? {} : { deviceId: { ideal: device } });

function letGo(streams: MediaStream[]): void {
  for (const stream of streams) for (const track of stream.getTracks()) track.stop();
}
