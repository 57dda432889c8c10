import { useSignal } from "@preact/signals";
import * as api from "../../api/settings";
import type { MadeToken, Scope, Token } from "../../api/types";
import { ago, day, exact } from "../../format";
import { text } from "../../i18n";
import { ActionForm, Confirm } from "../../parts/action";
import { Once } from "../../parts/Once";
import { Rows } from "../../parts/Rows";
import { useResource } from "../../resource";
import { teams } from "../../session";
import { Section } from "./Section";

const SCOPES: Scope[] = [
  "teams:read",
  "threads:read",
  "updates:read",
  "comments:read",
  "search:read",
  "events:read",
  "teams:write",
  "members:write",
  "threads:write",
  "updates:write",
  "comments:write",
  "events:manage",
  "tokens:write",
];
const DAYS = [30, 90, 365];
const DAY_MS = 86_400_000;

type Extent = "read" | "all" | "some";

export function Tokens() {
  const t = text.value.settings.tokens;
  const all = useResource("tokens", api.tokens);
  const made = useSignal<MadeToken | null>(null);
  return (
    <Section title={t.heading} help={t.help}>
      <Rows of={all} none={t.none} row={(each) => <TokenRow key={each.id} token={each} reload={all.reload} />} />
      {made.value !== null && <Once label={`${t.made}: ${made.value.name}`} value={made.value.token} />}
      <NewToken
        key={made.value?.id}
        made={(token) => {
          made.value = token;
          void all.reload();
        }}
      />
    </Section>
  );
}

function TokenRow({ token, reload }: { token: Token; reload: () => void }) {
  const s = text.value.settings;
  const t = s.tokens;
  const isOver = token.expires_at !== null && Date.parse(token.expires_at) <= Date.now();
  const until = token.expires_at === null ? null : isOver ? t.over : s.until(day(token.expires_at));
  const where = teams.value.find((each) => each.id === token.team_id)?.name;
  const told = [where, until, token.last_used_at === null ? t.unused : t.used(ago(token.last_used_at))];
  return (
    <li>
      <div>
        <strong>{token.name}</strong>
        <p class="faint" title={exact(token.created_at)}>
          {told.filter(Boolean).join(" · ")}
        </p>
        <p class="faint">{extentOf(token.scopes)}</p>
      </div>
      <Confirm
        label={t.revoke}
        name={t.revokeName(token.name)}
        question={t.revokeSure(token.name)}
        help={t.revokeHelp}
        done={t.revoked}
        act={async () => {
          await api.revokeToken(token.id);
          reload();
        }}
      />
    </li>
  );
}

const isRead = (scope: string) => scope.endsWith(":read");

function extentOf(scopes: string[]): string {
  const t = text.value.settings;
  if (scopes.length === SCOPES.length) return t.tokens.all;
  if (scopes.length === SCOPES.filter(isRead).length && scopes.every(isRead)) return t.tokens.readOnly;
  return scopes.map((scope) => t.scopes[scope] ?? scope).join(" · ");
}

function NewToken({ made }: { made: (token: MadeToken) => void }) {
  const s = text.value.settings;
  const t = s.tokens;
  const extent = useSignal<Extent>("read");
  const extents: [Extent, string][] = [
    ["read", t.readOnly],
    ["all", t.all],
    ["some", t.some],
  ];
  return (
    <ActionForm
      submit={t.make}
      act={async (form) => {
        const days = Number(form.get("days"));
        const chosen = { read: SCOPES.filter(isRead), all: SCOPES, some: form.getAll("scope") as Scope[] }[extent.value];
        made(
          await api.makeToken({
            name: String(form.get("name")),
            scopes: chosen,
            team_id: String(form.get("team") ?? "") || null,
            expires_at: days ? new Date(Date.now() + days * DAY_MS).toISOString() : null,
          }),
        );
      }}
    >
      <div class="fields">
        <label>
          {t.name}
          <input name="name" required maxLength={120} autocomplete="off" placeholder={t.nameHint} />
        </label>
        <label>
          {t.team}
          <select name="team">
            <option value="">{t.allTeams}</option>
            {teams.value.map((each) => (
              <option key={each.id} value={each.id}>
                {each.name}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t.expires}
          <select name="days">
            {DAYS.map((days) => (
              <option key={days} value={days} selected={days === 90}>
                {t.days(days)}
              </option>
            ))}
            <option value="0">{t.never}</option>
          </select>
        </label>
      </div>
      <fieldset>
        <legend>{t.scopes}</legend>
        <div class="choices">
          {extents.map(([code, name]) => (
            <label key={code} class="check">
              <input
                type="radio"
                name="extent"
                checked={extent.value === code}
                onChange={() => {
                  extent.value = code;
                }}
              />
              {name}
            </label>
          ))}
        </div>
        {extent.value === "some" && (
          <div class="checks">
            {SCOPES.map((scope) => (
              <label key={scope} class="check">
                <input type="checkbox" name="scope" value={scope} />
                {s.scopes[scope]}
              </label>
            ))}
          </div>
        )}
      </fieldset>
    </ActionForm>
  );
}
