// Parts of the page that load only where they are wanted. One that cannot come, as after an update of Tidings, says so.
import { useEffect, useState } from "preact/hooks";
import { Problem } from "./api/client";

type Load<T> = () => Promise<T>;

const here = new Map<Load<unknown>, unknown>();

/** Fails with a Problem that says to reload. */
export async function loadPart<T>(load: Load<T>): Promise<T> {
  try {
    const part = await load();
    here.set(load, part);
    return part;
  } catch {
    throw new Problem("part-missing", "", 410);
  }
}

/** The part, null until it is here; asked for again whenever it is wanted again. */
export function usePart<T>(load: Load<T>, isWanted = true): { part: T | null; problem: Problem | null } {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [, draw] = useState(0);
  const part = (here.get(load) as T | undefined) ?? null;
  useEffect(() => {
    if (!isWanted || part !== null) return;
    setProblem(null);
    loadPart(load).then(() => draw((count) => count + 1), setProblem);
  }, [isWanted]);
  return { part, problem };
}
