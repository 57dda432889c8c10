// Small things this browser remembers. A browser that remembers nothing still works.
const name = (key: string) => `tidings.${key}`;

export function stored(key: string): string | null {
  try {
    return localStorage.getItem(name(key));
  } catch {
    return null;
  }
}

export function keep(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(name(key));
    else localStorage.setItem(name(key), value);
  } catch {
    // Full or forbidden: it is only a convenience.
  }
}
