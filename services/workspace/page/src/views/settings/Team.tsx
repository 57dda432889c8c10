import * as api from "../../api/settings";
import type { Team } from "../../api/types";
import { languageName } from "../../format";
import { text } from "../../i18n";
import { ActionForm } from "../../parts/action";
import { Loading, Trouble } from "../../parts/states";
import { useResource } from "../../resource";
import { refreshTeams } from "../../session";
import { Credentials } from "./Credentials";
import { Invitations } from "./Invitations";
import { People } from "./People";
import { Section } from "./Section";

const TEAM_CHANGES = /^tidings\.(team|member)\./;

/** Those people choose from; what a program set beside them stays to be seen and unset. */
const LANGUAGES = ["en", "de", "nl", "fr", "es", "it", "pt", "pl", "da", "sv", "tr", "uk"];

export function TeamSettings({ id }: { id: string }) {
  const t = text.value.settings;
  const { data, problem, reload } = useResource(
    `team/${id}`,
    () => api.readTeam(id),
    ({ type }) => TEAM_CHANGES.test(type),
  );
  if (data === null) return problem === null ? <Loading /> : <Trouble problem={problem} retry={reload} />;
  const isOwner = data.role === "owner";
  return (
    <>
      {!isOwner && <p class="section-help">{t.team.onlyOwners}</p>}
      {isOwner && <Name team={data} reload={reload} />}
      {isOwner && <Speech team={data} reload={reload} />}
      <People team={data} reload={reload} />
      {isOwner && <Invitations team={id} />}
      {isOwner && <Credentials team={id} />}
    </>
  );
}

/** Change the team; what somebody else changed meanwhile is shown then. */
async function change(team: Team, wanted: Record<string, unknown>, reload: () => void): Promise<void> {
  try {
    await api.changeTeam(team.id, wanted);
    await refreshTeams();
  } finally {
    reload();
  }
}

function Name({ team, reload }: { team: Team; reload: () => void }) {
  const t = text.value.settings;
  return (
    <Section title={t.team.nameHeading}>
      <ActionForm
        class="in-line"
        submit={t.save}
        done={t.saved}
        act={(form) => change(team, { name: String(form.get("name")) }, reload)}
      >
        <label>
          {t.team.name}
          <input name="name" required maxLength={120} autocomplete="off" defaultValue={team.name} />
        </label>
      </ActionForm>
    </Section>
  );
}

function Speech({ team, reload }: { team: Team; reload: () => void }) {
  const t = text.value.settings;
  const languages = [...new Set([...LANGUAGES, ...team.languages])];
  return (
    <Section title={t.team.speech} help={t.team.speechHelp}>
      <ActionForm
        key={`${team.languages}/${team.glossary}`}
        submit={t.save}
        done={t.saved}
        act={(form) => {
          const lines = String(form.get("glossary")).split("\n");
          const glossary = [...new Set(lines.map((line) => line.trim()).filter(Boolean))];
          return change(team, { languages: form.getAll("language"), glossary }, reload);
        }}
      >
        <fieldset>
          <legend>{t.team.languages}</legend>
          <div class="checks narrow">
            {languages.map((code) => (
              <label key={code} class="check">
                <input type="checkbox" name="language" value={code} defaultChecked={team.languages.includes(code)} />
                {languageName(code)}
              </label>
            ))}
          </div>
          <p class="faint">{t.team.languagesHelp}</p>
        </fieldset>
        <label>
          {t.team.glossary}
          <textarea name="glossary" rows={5} defaultValue={team.glossary.join("\n")} aria-describedby="glossary-help" />
        </label>
        <p id="glossary-help" class="faint">
          {t.team.glossaryHelp}
        </p>
      </ActionForm>
    </Section>
  );
}
