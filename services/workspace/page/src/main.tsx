import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import "./style/page.css";
import "./style/settings.css";
import { Problem, signInAddress } from "./api/client";
import { preferredLanguage, speak, text } from "./i18n";
import { Shell } from "./parts/Shell";
import { SettingsSlot } from "./parts/SettingsSlot";
import { Blank, Loading, Trouble } from "./parts/states";
import { route, startRouting } from "./router";
import { enter } from "./session";
import { SearchView } from "./views/Search";
import { ThreadView } from "./views/Thread";
import { ThreadsView } from "./views/Threads";
import { UpdateView } from "./views/Update";

const RETRY_MS = 4_000;

function Page() {
  const [state, setState] = useState<"entering" | "in" | Problem>("entering");
  const tryEntering = () =>
    void enter().then(
      () => setState("in"),
      (error: unknown) => {
        const problem = Problem.of(error);
        if (problem.status === 401) location.assign(signInAddress());
        else setState(problem);
      },
    );
  useEffect(tryEntering, []);
  useEffect(() => {
    if (!(state instanceof Problem) || !state.isOffline) return;
    const timer = setTimeout(tryEntering, RETRY_MS);
    return () => clearTimeout(timer);
  }, [state]);
  if (state === "entering") return <Shell><Loading isAll /></Shell>;
  if (state !== "in") return <Shell><Trouble isAll problem={state} retry={tryEntering} /></Shell>;
  return (
    <Shell>
      <View />
    </Shell>
  );
}

function View() {
  const now = route.value;
  switch (now.view) {
    case "threads":
      return <ThreadsView />;
    case "thread":
      return <ThreadView key={now.id} id={now.id} />;
    case "update":
      return <UpdateView key={now.id} id={now.id} />;
    case "search":
      return <SearchView />;
    case "settings":
      return <SettingsSlot team={null} />;
    case "team-settings":
      return <SettingsSlot team={now.id} />;
    case "missing":
      return (
        <Blank isAll title={text.value.notFound} help={text.value.notFoundHelp}>
          <a class="button quiet" href="/">
            {text.value.goHome}
          </a>
        </Blank>
      );
  }
}

startRouting();
void speak(preferredLanguage()).finally(() => {
  render(<Page />, document.getElementById("page") as HTMLElement);
});
