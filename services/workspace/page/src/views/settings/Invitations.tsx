import { useSignal } from "@preact/signals";
import { threads } from "../../api/client";
import * as api from "../../api/settings";
import type { Invitation, MadeInvitation, Role } from "../../api/types";
import { day, exact } from "../../format";
import { text } from "../../i18n";
import { ActionForm, Confirm } from "../../parts/action";
import { Once } from "../../parts/Once";
import { Rows } from "../../parts/Rows";
import { useResource } from "../../resource";
import { ROLES } from "./People";
import { Section } from "./Section";

const DAYS = [1, 7, 30];
const USES = [1, 5, 20, 100];

export function Invitations({ team }: { team: string }) {
  const t = text.value.settings.invitations;
  const all = useResource(
    `invitations/${team}`,
    () => api.invitations(team),
    ({ type }) => type.startsWith("tidings.member."),
  );
  const made = useSignal<MadeInvitation | null>(null);
  return (
    <Section title={t.heading} help={t.help}>
      <Invite
        team={team}
        made={(invitation) => {
          made.value = invitation;
          void all.reload();
        }}
      />
      {made.value !== null && <Once label={t.made} value={made.value.url} />}
      <h3>{t.open}</h3>
      <Rows
        of={all}
        none={t.none}
        row={(each) => (
          <Open
            key={each.id}
            invitation={each}
            withdraw={async () => {
              await api.withdraw(team, each.id);
              if (made.value?.id === each.id) made.value = null;
              void all.reload();
            }}
          />
        )}
      />
    </Section>
  );
}

function Open({ invitation, withdraw }: { invitation: Invitation; withdraw: () => Promise<void> }) {
  const s = text.value.settings;
  const t = s.invitations;
  const role = s.members.roles[invitation.role];
  const places = invitation.role === "guest" ? ` · ${s.members.sees(invitation.thread_ids.length)}` : "";
  return (
    <li>
      <div>
        <strong>{role}</strong>
        <p class="faint" title={exact(invitation.expires_at)}>
          {t.left(invitation.max_uses - invitation.uses)} · {s.until(day(invitation.expires_at))}
          {places}
        </p>
      </div>
      <Confirm
        label={t.withdraw}
        name={t.withdrawName(role)}
        question={t.withdrawSure}
        help={t.withdrawHelp}
        done={t.withdrawn}
        act={withdraw}
      />
    </li>
  );
}

function Invite({ team, made }: { team: string; made: (invitation: MadeInvitation) => void }) {
  const s = text.value.settings;
  const t = s.invitations;
  const role = useSignal<Role>("member");
  const places = useResource(role.value === "guest" ? `threads/${team}` : null, () => threads(team));
  return (
    <ActionForm
      submit={t.make}
      act={async (form) =>
        made(
          await api.invite(team, {
            role: role.value,
            thread_ids: form.getAll("thread").map(String),
            expires_in_days: Number(form.get("days")),
            max_uses: Number(form.get("uses")),
          }),
        )
      }
    >
      <div class="fields">
        <label>
          {t.as}
          <select
            value={role.value}
            onChange={(event) => {
              role.value = event.currentTarget.value as Role;
            }}
          >
            {ROLES.map((each) => (
              <option key={each} value={each}>
                {s.members.roles[each]}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t.uses}
          <select name="uses">
            {USES.map((uses) => (
              <option key={uses} value={uses}>
                {t.use(uses)}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t.days}
          <select name="days">
            {DAYS.map((days) => (
              <option key={days} value={days} selected={days === 7}>
                {t.day(days)}
              </option>
            ))}
          </select>
        </label>
      </div>
      {role.value === "guest" && (
        <fieldset>
          <legend>{t.threads}</legend>
          {places.data?.length === 0 && <p class="faint">{t.noThreads}</p>}
          <div class="checks">
            {places.data?.map((thread) => (
              <label key={thread.id} class="check">
                <input type="checkbox" name="thread" value={thread.id} />
                {thread.title}
              </label>
            ))}
          </div>
        </fieldset>
      )}
    </ActionForm>
  );
}
