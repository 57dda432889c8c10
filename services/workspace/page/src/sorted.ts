/** The last of those, in order of time, that begin at or before a moment: its index, or -1. */
export function lastBefore<T>(all: readonly T[], ms: number, startOf: (each: T) => number): number {
  let [low, high] = [0, all.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (startOf(all[middle] as T) <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
