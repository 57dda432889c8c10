// What the settings ask of the HTTP API: one's account, a team and who is in it, keys for programs.
import { call, get } from "./client";
import { newKey } from "./keys";
import type * as api from "./types";

const v1 = "/api/v1";
const team = (id: string) => `${v1}/teams/${id}`;

/** What a program needs to read a team's events; the `.creds` content is shown once. */
export type MadeCredential = {
  credential_id: string;
  expires_at: string;
  nats_url: string;
  stream: string;
  consumer: string;
  subject: string;
  inbox_prefix: string;
  credentials: string;
};

export const rename = (name: string) => call<api.Me>("PATCH", `${v1}/me`, { name });
export const changePassword = (current: string | null, password: string) =>
  call<undefined>("PUT", `${v1}/me/password`, { current, new: password });
export const linkForAnotherDevice = async () =>
  (await call<{ url: string }>("POST", `${v1}/me/sign-in-links`)).url;

export const sessions = async () => (await get<{ items: api.Session[] }>(`${v1}/sessions`)).items;
export const endSession = (id: string) => call<undefined>("DELETE", `${v1}/sessions/${id}`);

export const tokens = async () => (await get<{ items: api.Token[] }>(`${v1}/tokens`)).items;
export const makeToken = (body: {
  name: string;
  scopes: api.Scope[];
  team_id: string | null;
  expires_at: string | null;
}) => call<api.MadeToken>("POST", `${v1}/tokens`, body);
export const revokeToken = (id: string) => call<undefined>("DELETE", `${v1}/tokens/${id}`);

export const readTeam = (id: string) => get<api.Team>(team(id));
export const changeTeam = (id: string, change: Record<string, unknown>) =>
  call<api.Team>("PATCH", team(id), change);
export const foundTeam = (name: string) =>
  call<api.Team>("POST", `${v1}/teams`, { name }, newKey());

export const changeRole = (id: string, person: string, role: api.Role) =>
  call<undefined>("PATCH", `${team(id)}/members/${person}`, { role });
export const removeMember = (id: string, person: string) =>
  call<undefined>("DELETE", `${team(id)}/members/${person}`);
export const letGuestIn = (thread: string, person: string) =>
  call<undefined>("PUT", `${v1}/threads/${thread}/guests/${person}`);
export const keepGuestOut = (thread: string, person: string) =>
  call<undefined>("DELETE", `${v1}/threads/${thread}/guests/${person}`);

export const invitations = async (id: string) =>
  (await get<{ items: api.Invitation[] }>(`${team(id)}/invitations`)).items;
export const invite = (
  id: string,
  body: { role: api.Role; thread_ids: string[]; expires_in_days: number; max_uses: number },
) => call<api.MadeInvitation>("POST", `${team(id)}/invitations`, body);
export const withdraw = (id: string, invitation: string) =>
  call<undefined>("DELETE", `${team(id)}/invitations/${invitation}`);

export const credentials = async (id: string) =>
  (await get<{ items: api.Credential[] }>(`${team(id)}/event-credentials`)).items;
export const makeCredential = (id: string) =>
  call<MadeCredential>("POST", `${team(id)}/event-credentials`);
export const revokeCredential = (id: string, credential: string) =>
  call<undefined>("DELETE", `${team(id)}/event-credentials/${credential}`);
