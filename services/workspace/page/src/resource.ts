// Data of a view: shown at once if it was here before, fetched, and fetched again when it changed.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "./api/client";
import { onChange, type Change } from "./live";

const GATHER_MS = 120;
/** Events come straight from the bus, perhaps before the workspace has taken them in: look again. */
const SETTLE_MS = [GATHER_MS, 1_500, 6_000];
const AGAIN_MS = 4_000;
const seen = new Map<string, unknown>();

export type Resource<T> = { data: T | null; problem: Problem | null; reload: () => Promise<void> };

/**
 * `key` names the data; `concerns` says which changes make it old; another `version` fetches it again and shows
 * the old until then. A null key loads nothing.
 */
export function useResource<T>(
  key: string | null,
  load: () => Promise<T>,
  concerns: (change: Change) => boolean = () => false,
  version: unknown = null,
): Resource<T> {
  const [state, setState] = useState<{ key: string | null; data: T | null; problem: Problem | null }>({
    key: null,
    data: null,
    problem: null,
  });
  const latest = useRef({ load, concerns });
  latest.current = { load, concerns };
  const run = useRef<() => Promise<void>>(() => Promise.resolve());

  useEffect(() => {
    if (key === null) return;
    let gone = false;
    let busy = false;
    let stale = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let settling: ReturnType<typeof setTimeout>[] = [];
    const fetchNow = async () => {
      if (busy) {
        stale = true;
        return;
      }
      busy = true;
      try {
        const data = await latest.current.load();
        seen.set(key, data);
        if (!gone) setState({ key, data, problem: null });
      } catch (error) {
        const problem = Problem.of(error);
        if (problem.status === 404) seen.delete(key);
        const old = problem.status === 404 ? null : ((seen.get(key) as T | undefined) ?? null);
        if (!gone) setState({ key, data: old, problem });
        if (problem.isOffline && !gone) timer = setTimeout(fetchNow, AGAIN_MS);
      } finally {
        busy = false;
        if (stale && !gone) {
          stale = false;
          timer = setTimeout(fetchNow, GATHER_MS);
        }
      }
    };
    run.current = fetchNow;
    void fetchNow();
    const forget = onChange((change) => {
      if (change.type !== "anything" && !latest.current.concerns(change)) return;
      settling.forEach(clearTimeout);
      settling = SETTLE_MS.map((ms) => setTimeout(fetchNow, ms));
    });
    return () => {
      gone = true;
      clearTimeout(timer);
      settling.forEach(clearTimeout);
      forget();
    };
  }, [key]);

  const reload = useCallback(() => run.current(), []);
  const shown = useRef(version);
  useEffect(() => {
    if (shown.current === version) return;
    shown.current = version;
    void reload();
  }, [version]);
  if (state.key === key) return { data: state.data, problem: state.problem, reload };
  return { data: key === null ? null : ((seen.get(key) as T | undefined) ?? null), problem: null, reload };
}
