// Settings load only where somebody opens them.
import { usePart } from "../part";
import { Loading, Trouble } from "./states";

const load = async () => (await import("../views/settings/Settings")).SettingsView;

export function SettingsSlot({ team }: { team: string | null }) {
  const { part: Settings, problem } = usePart(load);
  if (problem !== null) return <Trouble isAll problem={problem} retry={() => location.reload()} />;
  return Settings === null ? <Loading isAll /> : <Settings team={team} />;
}
