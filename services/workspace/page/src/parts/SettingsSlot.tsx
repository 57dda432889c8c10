// Settings load only where somebody opens them.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Loading } from "./states";

type Props = { team: string | null };
type Component = (props: Props) => JSX.Element;

let loaded: Component | null = null;

export function SettingsSlot(props: Props) {
  const [Settings, setSettings] = useState<Component | null>(() => loaded);
  useEffect(() => {
    if (loaded !== null) return;
    void import("../views/settings/Settings").then((module) => {
      loaded = module.SettingsView;
      setSettings(() => module.SettingsView);
    });
  }, []);
  return Settings === null ? <Loading isAll /> : <Settings {...props} />;
}
