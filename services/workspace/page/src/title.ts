import { useEffect } from "preact/hooks";

/** Name the window after what it shows. */
export function useTitle(title: string | null | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · Tidings` : "Tidings";
  }, [title]);
}
