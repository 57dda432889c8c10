// Parts that load only where they are wanted: the studio, and what finishes interrupted recordings.
import { useEffect } from "preact/hooks";
import type { Problem } from "../api/client";
import { usePart } from "../part";
import { me } from "../session";
import { stored } from "../stored";
import { occasion } from "../studio/open";
import { complain } from "./action";

const loadStudio = async () => (await import("../studio/Studio")).Studio;
const loadRescue = async () => (await import("./Rescue")).Rescue;

export function StudioSlot() {
  const { part: Studio, problem } = usePart(loadStudio, occasion.value !== null);
  useComplaint(problem, () => {
    occasion.value = null;
  });
  return Studio === null || occasion.value === null ? null : <Studio occasion={occasion.value} />;
}

export function RescueSlot() {
  const mayBeNeeded = me.value !== null && (stored("recordings") !== null || occasion.value !== null);
  const { part: Rescue, problem } = usePart(loadRescue, mayBeNeeded);
  useComplaint(problem);
  return Rescue === null ? null : <Rescue />;
}

function useComplaint(problem: Problem | null, then?: () => void): void {
  useEffect(() => {
    if (problem === null) return;
    complain(problem);
    then?.();
  }, [problem]);
}
