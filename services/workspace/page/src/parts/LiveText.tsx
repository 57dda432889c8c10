import * as api from "../api/client";
import { draftOf } from "../drafts";
import { useResource } from "../resource";

const SEGMENTS_SHOWN = 3;

/** What is understood of a recording while it is spoken: its last sentences, and faintly the one being said. */
export function LiveText({ update }: { update: string }) {
  const { data } = useResource(
    `live/${update}`,
    () => api.transcript(update),
    ({ type, data: change }) => type.startsWith("tidings.transcript.grew") && change.update_id === update,
  );
  const last = data?.segments.slice(-SEGMENTS_SHOWN) ?? [];
  const draft = draftOf(update, last);
  if (last.length === 0 && draft === "") return null;
  return (
    <p class="live-text">
      <span aria-live="polite">{last.map((segment) => segment.text.trim()).join(" ")}</span>
      {draft !== "" && <span class="provisional"> {draft}</span>}
    </p>
  );
}
