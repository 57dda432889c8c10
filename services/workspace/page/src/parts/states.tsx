// What a view shows instead of its data: loading, empty, not here, not working.
import type { ComponentChildren } from "preact";
import type { Problem } from "../api/client";
import { text } from "../i18n";
import { explain } from "./action";

/** `isAll`: it is all there is on the page, so it is the page's title to those who do not see it. */
export function Loading({ isAll = false }: { isAll?: boolean }) {
  const Heading = isAll ? "h1" : "span";
  return (
    <div class="loading" role="status">
      <Heading class="unseen">{text.value.loading}</Heading>
      <i />
      <i />
      <i />
    </div>
  );
}

type BlankProps = {
  title: string;
  help?: string;
  /** It is all there is on the page, so its title is the page's. */
  isAll?: boolean;
  children?: ComponentChildren;
};

export function Blank({ title, help, isAll = false, children }: BlankProps) {
  const Heading = isAll ? "h1" : "h2";
  return (
    <div class="blank">
      <Heading>{title}</Heading>
      {help && <p>{help}</p>}
      {children}
    </div>
  );
}

export function Trouble({ problem, retry, isAll = false }: { problem: Problem; retry: () => void; isAll?: boolean }) {
  const t = text.value;
  if (problem.status === 404) {
    return (
      <Blank title={t.notFound} help={t.notFoundHelp} isAll={isAll}>
        <a class="button quiet" href="/">
          {t.goHome}
        </a>
      </Blank>
    );
  }
  return (
    <Blank title={t.failed} isAll={isAll} help={problem.isOffline ? t.noAnswer : explain(problem)}>
      <button type="button" class="button quiet" onClick={retry}>
        {t.tryAgain}
      </button>
    </Blank>
  );
}
