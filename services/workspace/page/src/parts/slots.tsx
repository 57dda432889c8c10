// Parts that load only where they are wanted: the studio, and what finishes interrupted recordings.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { me } from "../session";
import { stored } from "../stored";
import { occasion, type Occasion } from "../studio/open";

export function StudioSlot() {
  const [Studio, setStudio] = useState<((props: { occasion: Occasion }) => JSX.Element) | null>(null);
  const isWanted = occasion.value !== null;
  useEffect(() => {
    if (isWanted && Studio === null) void import("../studio/Studio").then((module) => setStudio(() => module.Studio));
  }, [isWanted]);
  return Studio === null || occasion.value === null ? null : <Studio occasion={occasion.value} />;
}

export function RescueSlot() {
  const [Rescue, setRescue] = useState<(() => JSX.Element | null) | null>(null);
  const mayBeNeeded = me.value !== null && (stored("recordings") !== null || occasion.value !== null);
  useEffect(() => {
    if (mayBeNeeded && Rescue === null) void import("./Rescue").then((module) => setRescue(() => module.Rescue));
  }, [mayBeNeeded]);
  return Rescue === null ? null : <Rescue />;
}
