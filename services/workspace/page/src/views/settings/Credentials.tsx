import { useSignal } from "@preact/signals";
import * as api from "../../api/settings";
import type { Credential } from "../../api/types";
import { ago, day, exact } from "../../format";
import { text } from "../../i18n";
import { ActionForm, Confirm } from "../../parts/action";
import { Once } from "../../parts/Once";
import { Rows } from "../../parts/Rows";
import { useResource } from "../../resource";
import { saveAs } from "../../save";
import { Section } from "./Section";

export function Credentials({ team }: { team: string }) {
  const t = text.value.settings.credentials;
  const all = useResource(`credentials/${team}`, () => api.credentials(team));
  const made = useSignal<api.MadeCredential | null>(null);
  return (
    <Section title={t.heading} help={t.help}>
      <Rows
        of={all}
        none={t.none}
        row={(each) => (
          <Row
            key={each.id}
            credential={each}
            revoke={async () => {
              await api.revokeCredential(team, each.id);
              if (made.value?.credential_id === each.id) made.value = null;
              void all.reload();
            }}
          />
        )}
      />
      {made.value !== null && <Made credential={made.value} />}
      <ActionForm
        submit={t.make}
        act={async () => {
          made.value = await api.makeCredential(team);
          void all.reload();
        }}
      />
    </Section>
  );
}

function Row({ credential, revoke }: { credential: Credential; revoke: () => Promise<void> }) {
  const s = text.value.settings;
  const t = s.credentials;
  const when = ago(credential.created_at);
  return (
    <li>
      <div>
        <strong>{t.by(credential.created_by_name, when)}</strong>
        <p class="faint" title={exact(credential.expires_at)}>
          {s.until(day(credential.expires_at))}
        </p>
      </div>
      <Confirm
        label={t.revoke}
        name={t.revokeName(when)}
        question={t.revokeSure}
        help={t.revokeHelp}
        done={t.revoked}
        act={revoke}
      />
    </li>
  );
}

function Made({ credential }: { credential: api.MadeCredential }) {
  const t = text.value.settings.credentials;
  const facts: [string, string][] = [
    [t.address, credential.nats_url],
    [t.stream, credential.stream],
    [t.consumer, credential.consumer],
    [t.subject, credential.subject],
    [t.inbox, credential.inbox_prefix],
  ];
  return (
    <div>
      <h3>{t.made}</h3>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <code>{value}</code>
            </dd>
          </div>
        ))}
      </dl>
      <Once label={t.file} value={credential.credentials} rows={8} />
      <button type="button" class="link" onClick={() => saveAs("tidings.creds", credential.credentials)}>
        {t.save}
      </button>
    </div>
  );
}
