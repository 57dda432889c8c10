import type { Statement, Summary as SummaryData } from "../api/types";
import { clock, day } from "../format";
import { text } from "../i18n";
import type { Playback } from "../playback";
import { PlayIcon } from "./icons";

const KINDS = ["decision", "action", "question", "chapter"] as const;

type Props = { summary: SummaryData; playback: Playback | null; hasGist?: boolean };

/** Gist and statements; each statement plays the words it rests on. */
export function Summary({ summary, playback, hasGist = true }: Props) {
  const t = text.value.summary;
  const of = (kind: Statement["kind"]) => summary.statements.filter((each) => each.kind === kind);
  return (
    <>
      {hasGist && of("gist").length > 0 && (
        <p class="gist">
          {of("gist")
            .map((gist) => gist.text)
            .join(" ")}
        </p>
      )}
      {KINDS.map((kind) => {
        const statements = of(kind);
        if (statements.length === 0) return null;
        return (
          <section key={kind} class="statements">
            <h3>{t[kind]}</h3>
            <ul>
              {statements.map((statement) => (
                <Line key={statement.text} statement={statement} playback={playback} />
              ))}
            </ul>
          </section>
        );
      })}
    </>
  );
}

function Line({ statement, playback }: { statement: Statement; playback: Playback | null }) {
  const t = text.value;
  const at = statement.evidence[0]?.start_ms ?? null;
  const due = statement.due ? t.summary.due(day(statement.due)) : statement.due_text;
  return (
    <li>
      {at !== null && playback !== null && (
        <button type="button" class="chip" aria-label={t.update.playFrom(clock(at))} onClick={() => playback.seek(at, true)}>
          <PlayIcon />
          {clock(at)}
        </button>
      )}
      <span>
        {statement.text}
        {(statement.owner || due) && (
          <span class="faint">
            {" "}
            {[statement.owner, due].filter(Boolean).join(", ")}
          </span>
        )}
      </span>
    </li>
  );
}
