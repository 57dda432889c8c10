// One's own settings and those of each team, beside each other.
import { text } from "../../i18n";
import { Blank } from "../../parts/states";
import { teams } from "../../session";
import { useTitle } from "../../title";
import { Account } from "./Account";
import { TeamSettings } from "./Team";

export function SettingsView({ team }: { team: string | null }) {
  const t = text.value.settings;
  const here = teams.value.find((each) => each.id === team);
  const title = team === null ? t.yours : (here?.name ?? "");
  useTitle(title);
  if (team !== null && here === undefined) {
    return (
      <Blank isAll title={text.value.notFound} help={text.value.notFoundHelp}>
        <a class="button quiet" href="/settings">
          {t.yours}
        </a>
      </Blank>
    );
  }
  return (
    <div class="settings">
      <nav aria-label={t.where}>
        <Place address="/settings" isHere={team === null} name={t.you} />
        {teams.value.map((each) => (
          <Place key={each.id} address={`/teams/${each.id}/settings`} isHere={each.id === team} name={each.name} />
        ))}
      </nav>
      <div>
        <h1>{title}</h1>
        {team === null ? <Account /> : <TeamSettings key={team} id={team} />}
      </div>
    </div>
  );
}

function Place({ address, isHere, name }: { address: string; isHere: boolean; name: string }) {
  return (
    <a href={address} aria-current={isHere ? "page" : undefined}>
      {name}
    </a>
  );
}
