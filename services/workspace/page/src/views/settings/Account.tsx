import { useSignal } from "@preact/signals";
import * as api from "../../api/settings";
import type { Session } from "../../api/types";
import { ago, exact } from "../../format";
import { text } from "../../i18n";
import { ActionForm, Confirm } from "../../parts/action";
import { Once } from "../../parts/Once";
import { Rows } from "../../parts/Rows";
import { useResource } from "../../resource";
import { go } from "../../router";
import { beIn, me, refreshTeams } from "../../session";
import { Section } from "./Section";
import { Tokens } from "./Tokens";

const PASSWORD_MIN = 10;

export function Account() {
  return (
    <>
      <Profile />
      <Password />
      <Sessions />
      <Tokens />
      <NewTeam />
    </>
  );
}

function Profile() {
  const t = text.value.settings;
  return (
    <Section title={t.profile.heading} help={t.profile.help}>
      <ActionForm
        submit={t.save}
        done={t.saved}
        act={async (form) => {
          me.value = await api.rename(String(form.get("name")));
        }}
      >
        <label>
          {t.profile.name}
          <input name="name" required maxLength={120} autocomplete="name" defaultValue={me.value?.name ?? ""} />
        </label>
        <label>
          {t.profile.email}
          <input value={me.value?.email ?? ""} readOnly autocomplete="email" />
        </label>
      </ActionForm>
    </Section>
  );
}

function Password() {
  const t = text.value.settings;
  const round = useSignal(0);
  const has = me.value?.has_password ?? false;
  return (
    <Section title={t.password.heading} help={has ? t.password.help : t.password.none}>
      <ActionForm
        key={round.value}
        submit={t.password.set}
        done={t.password.done}
        act={async (form) => {
          await api.changePassword(String(form.get("current") ?? "") || null, String(form.get("new")));
          if (me.value) me.value = { ...me.value, has_password: true };
          round.value += 1;
        }}
      >
        <input type="text" name="email" autocomplete="username" value={me.value?.email ?? ""} readOnly hidden />
        {has && (
          <label>
            {t.password.current}
            <input type="password" name="current" autocomplete="current-password" aria-describedby="current-help" />
            <span id="current-help" class="faint">
              {t.password.currentHelp}
            </span>
          </label>
        )}
        <label>
          {t.password.wanted(PASSWORD_MIN)}
          <input type="password" name="new" required minLength={PASSWORD_MIN} maxLength={200} autocomplete="new-password" />
        </label>
      </ActionForm>
    </Section>
  );
}

function Sessions() {
  const t = text.value.settings.sessions;
  const all = useResource("sessions", async () => (await api.sessions()).toSorted((a, b) => Number(b.is_this) - Number(a.is_this)));
  const link = useSignal<string | null>(null);
  const others = all.data?.filter((each) => !each.is_this) ?? [];
  return (
    <Section title={t.heading} help={t.help}>
      <Rows of={all} row={(each) => <SessionRow key={each.id} session={each} reload={all.reload} />} />
      {others.length > 1 && (
        <Confirm
          class="button quiet small"
          label={t.endOthers}
          question={t.endOthersSure}
          help={t.endOthersHelp}
          done={t.ended}
          act={async () => {
            for (const each of others) await api.endSession(each.id);
            void all.reload();
          }}
        />
      )}
      <h3>{t.link}</h3>
      {link.value === null ? (
        <ActionForm
          submit={t.linkMake}
          act={async () => {
            link.value = await api.linkForAnotherDevice();
          }}
        >
          <p class="faint">{t.linkHelp}</p>
        </ActionForm>
      ) : (
        <Once label={t.linkLabel} value={link.value} help={t.linkHelp} />
      )}
    </Section>
  );
}

function SessionRow({ session, reload }: { session: Session; reload: () => void }) {
  const t = text.value.settings.sessions;
  const name = clientName(session.client);
  return (
    <li>
      <div>
        <strong>{name}</strong>
        <p class="faint">
          {session.is_this ? (
            t.here
          ) : (
            <time dateTime={session.last_used_at} title={exact(session.last_used_at)}>
              {t.used(ago(session.last_used_at))}
            </time>
          )}
        </p>
      </div>
      {!session.is_this && (
        <Confirm
          label={t.end}
          name={t.endName(name)}
          question={`${t.endName(name)}?`}
          done={t.ended}
          act={async () => {
            await api.endSession(session.id);
            reload();
          }}
        />
      )}
    </li>
  );
}

// Later ones also call themselves by the names of earlier ones.
const BROWSERS: [RegExp, string][] = [
  [/Edg/, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox|FxiOS/, "Firefox"],
  [/Chrome|CriOS/, "Chrome"],
  [/Safari/, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS/, "macOS"],
  [/Linux|X11/, "Linux"],
];

/** "Firefox on Linux", as far as what a browser calls itself tells. */
function clientName(client: string): string {
  const t = text.value.settings.sessions;
  const [, browser] = BROWSERS.find(([pattern]) => pattern.test(client)) ?? [];
  const [, system] = SYSTEMS.find(([pattern]) => pattern.test(client)) ?? [];
  if (browser && system) return t.on(browser, system);
  return browser ?? (client.split(/[ /]/, 1)[0] || t.unknown);
}

function NewTeam() {
  const t = text.value.settings;
  return (
    <Section title={t.team.found} help={t.team.foundHelp}>
      <ActionForm
        class="in-line"
        submit={t.team.found}
        act={async (form) => {
          const founded = await api.foundTeam(String(form.get("name")));
          await refreshTeams();
          await beIn(founded.id);
          go(`/teams/${founded.id}/settings`);
        }}
      >
        <label>
          {t.team.name}
          <input name="name" required maxLength={120} autocomplete="off" />
        </label>
      </ActionForm>
    </Section>
  );
}
