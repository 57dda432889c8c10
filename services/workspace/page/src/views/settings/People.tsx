import { useSignal } from "@preact/signals";
import { members, threads } from "../../api/client";
import * as api from "../../api/settings";
import type { Member, Role, Team, Thread } from "../../api/types";
import { announce } from "../../announce";
import { day, exact } from "../../format";
import { text } from "../../i18n";
import { Confirm, Failure, useAction } from "../../parts/action";
import { Rows } from "../../parts/Rows";
import { useResource } from "../../resource";
import { go } from "../../router";
import { me, refreshTeams } from "../../session";
import { Section } from "./Section";

export const ROLES: Role[] = ["owner", "member", "guest"];

export function People({ team, reload: reloadTeam }: { team: Team; reload: () => void }) {
  const t = text.value.settings.members;
  const people = useResource(
    `members/${team.id}`,
    () => members(team.id),
    ({ type }) => type.startsWith("tidings.member."),
  );
  const open = useResource(`threads/${team.id}`, () => threads(team.id));
  const reload = () => {
    people.reload();
    reloadTeam();
  };
  return (
    <Section title={t.heading} help={t.rolesHelp}>
      <Rows
        of={people}
        row={(each) => <Person key={each.person_id} person={each} team={team} threads={open.data ?? []} reload={reload} />}
      />
    </Section>
  );
}

type PersonProps = { person: Member; team: Team; threads: Thread[]; reload: () => void };

function Person({ person, team, threads: open, reload }: PersonProps) {
  const t = text.value.settings.members;
  const isMe = person.person_id === me.value?.id;
  const isOwner = team.role === "owner";
  const action = useAction();
  return (
    <li>
      <div>
        <strong>{person.name}</strong>
        {isMe && <span class="faint"> ({t.me})</span>}
        <p class="faint">
          {person.email !== null && `${person.email} · `}
          <time dateTime={person.joined_at} title={exact(person.joined_at)}>
            {t.joined(day(person.joined_at))}
          </time>
        </p>
        {person.role === "guest" && <Places person={person} threads={open} isOwner={isOwner} reload={reload} />}
        <Failure of={action} />
      </div>
      {isOwner ? (
        <select
          aria-label={t.role(person.name)}
          value={person.role}
          onChange={async (event) => {
            const field = event.currentTarget;
            const role = field.value as Role;
            const done = t.changed(person.name, t.roles[role]);
            if (await action.run(() => api.changeRole(team.id, person.person_id, role), done)) reload();
            else field.value = person.role;
          }}
        >
          {ROLES.map((role) => (
            <option key={role} value={role}>
              {t.roles[role]}
            </option>
          ))}
        </select>
      ) : (
        <span class="faint">{t.roles[person.role]}</span>
      )}
      {isMe ? <Leave team={team} person={person} /> : isOwner && <Remove team={team} person={person} reload={reload} />}
    </li>
  );
}

function Remove({ team, person, reload }: { team: Team; person: Member; reload: () => void }) {
  const t = text.value.settings.members;
  return (
    <Confirm
      label={t.remove}
      name={t.removeName(person.name)}
      question={t.removeSure(person.name)}
      help={t.removeHelp}
      done={t.removed(person.name)}
      act={async () => {
        await api.removeMember(team.id, person.person_id);
        reload();
      }}
    />
  );
}

function Leave({ team, person }: { team: Team; person: Member }) {
  const t = text.value.settings.members;
  return (
    <Confirm
      label={t.leave}
      question={t.leaveSure(team.name)}
      help={t.leaveHelp}
      done={t.left}
      act={async () => {
        await api.removeMember(team.id, person.person_id);
        await refreshTeams();
        go("/settings");
      }}
    />
  );
}

/** Which threads a guest sees; an owner changes it. */
function Places({ person, threads: open, isOwner, reload }: Omit<PersonProps, "team"> & { isOwner: boolean }) {
  const t = text.value.settings.members;
  const action = useAction();
  const seen = useSignal(new Set(person.thread_ids));
  const told = seen.value.size > 0 ? t.sees(seen.value.size) : t.seesNothing;
  if (!isOwner) return <p class="faint">{told}</p>;
  return (
    <details class="places">
      <summary>{told}</summary>
      <fieldset>
        <legend class="unseen">{t.seesName(person.name)}</legend>
        <div class="checks">
          {open.map((thread) => (
            <label key={thread.id} class="check">
              <input
                type="checkbox"
                checked={seen.value.has(thread.id)}
                onChange={async (event) => {
                  const field = event.currentTarget;
                  const isSeen = field.checked;
                  const change = isSeen ? api.letGuestIn : api.keepGuestOut;
                  if (!(await action.run(() => change(thread.id, person.person_id)))) {
                    field.checked = !isSeen;
                    return;
                  }
                  const next = new Set(seen.value);
                  if (isSeen) next.add(thread.id);
                  else next.delete(thread.id);
                  seen.value = next;
                  announce(text.value.settings.saved);
                  reload();
                }}
              />
              {thread.title}
            </label>
          ))}
        </div>
      </fieldset>
      <Failure of={action} />
    </details>
  );
}
