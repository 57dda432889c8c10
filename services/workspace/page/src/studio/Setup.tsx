import { useEffect, useState } from "preact/hooks";
import { text } from "../i18n";
import { CameraIcon, CornerIcon, MicIcon, ScreenIcon } from "../parts/icons";
import { type Choice, hasCamera, hasScreen, type Mode, type Source } from "./source";

const ICONS = { camera: CameraIcon, screen: ScreenIcon, corner: CornerIcon, voice: MicIcon };

type SetupProps = {
  mode: Mode;
  modes: Mode[];
  choice: Choice;
  source: Source | null;
  hasFailed: boolean;
  choose: (mode: Mode) => void;
  use: (choice: Choice) => void;
  open: () => void;
  start: () => void;
};

/** Before recording: what, with which devices, and whether it can be seen and heard. */
export function Setup({ mode, modes, choice, source, hasFailed, choose, use, open, start }: SetupProps) {
  const t = text.value.record;
  const devices = useDevices(source);
  return (
    <>
      <div class="studio-row">
        <meter class="level" min={0} max={1} value={source?.level.value ?? 0} aria-label={t.level} />
      </div>
      <fieldset class="modes">
        <legend class="unseen">{t.mode}</legend>
        {modes.map((each) => {
          const Icon = ICONS[each];
          return (
            <label key={each} class="mode">
              <input type="radio" name="mode" checked={each === mode} onChange={() => choose(each)} />
              <Icon />
              <span>{t.modes[each]}</span>
            </label>
          );
        })}
      </fieldset>
      <div class="studio-devices">
        {hasCamera(mode) && (
          <Device
            label={t.camera}
            devices={devices.filter(({ kind }) => kind === "videoinput")}
            chosen={choice.camera}
            use={(camera) => use({ ...choice, camera })}
          />
        )}
        <Device
          label={t.microphone}
          devices={devices.filter(({ kind }) => kind === "audioinput")}
          chosen={choice.microphone}
          use={(microphone) => use({ ...choice, microphone })}
        />
      </div>
      <div class="studio-row">
        {source !== null ? (
          <button type="button" class="button record-button" onClick={start}>
            {t.begin}
          </button>
        ) : hasScreen(mode) ? (
          <button type="button" class="button" onClick={open}>
            <ScreenIcon />
            {t.chooseScreen}
          </button>
        ) : (
          <button type="button" class="button" disabled={!hasFailed} onClick={open}>
            {hasFailed ? text.value.tryAgain : t.begin}
          </button>
        )}
      </div>
    </>
  );
}

type DeviceProps = { label: string; devices: MediaDeviceInfo[]; chosen: string | null; use: (id: string) => void };

function Device({ label, devices, chosen, use }: DeviceProps) {
  if (devices.length < 2) return null;
  const isThere = devices.some(({ deviceId }) => deviceId === chosen);
  return (
    <label>
      {label}
      <select
        value={isThere && chosen !== null ? chosen : devices[0]?.deviceId}
        onChange={(event) => use(event.currentTarget.value)}
      >
        {devices.map((device, index) => (
          <option key={device.deviceId} value={device.deviceId}>
            {device.label || text.value.record.device(index + 1)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Browsers tell the names of devices once they may be used, and when one comes or goes. */
function useDevices(source: Source | null): MediaDeviceInfo[] {
  const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
  useEffect(() => {
    const look = () => void navigator.mediaDevices.enumerateDevices().then(setDevices);
    look();
    navigator.mediaDevices.addEventListener("devicechange", look);
    return () => navigator.mediaDevices.removeEventListener("devicechange", look);
  }, [source]);
  return devices.filter(({ deviceId }) => deviceId !== "");
}
