// Names for the shapes the API gives, taken from its OpenAPI document at build time.
import type { paths } from "./schema";

type Path = keyof paths;
type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
type Get<P extends Path> = paths[P] extends { get: { responses: { 200: infer R } } } ? Json<R> : never;
type Post<P extends Path> = paths[P] extends { post: { responses: { 201: infer R } } } ? Json<R> : never;
type Sent<P extends Path> = paths[P] extends { post: { requestBody: { content: { "application/json": infer Body } } } } ? Body : never;

export type Me = Get<"/api/v1/me">;
export type Teams = Get<"/api/v1/teams">;
export type Team = Teams["items"][number];
export type Members = Get<"/api/v1/teams/{team_id}/members">;
export type Member = Members["items"][number];
export type Role = Team["role"];
export type Invitation = Get<"/api/v1/teams/{team_id}/invitations">["items"][number];
export type MadeInvitation = Post<"/api/v1/teams/{team_id}/invitations">;
export type Session = Get<"/api/v1/sessions">["items"][number];
export type Token = Get<"/api/v1/tokens">["items"][number];
export type MadeToken = Post<"/api/v1/tokens">;
export type Scope = Sent<"/api/v1/tokens">["scopes"][number];
export type Credential = Get<"/api/v1/teams/{team_id}/event-credentials">["items"][number];
export type ThreadPage = Get<"/api/v1/teams/{team_id}/threads">;
export type Thread = Get<"/api/v1/threads/{thread_id}">;
export type UpdatePage = Get<"/api/v1/threads/{thread_id}/updates">;
export type Update = Get<"/api/v1/updates/{update_id}">;
export type Summary = Get<"/api/v1/updates/{update_id}/summary">;
export type Statement = Summary["statements"][number];
export type Transcript = Get<"/api/v1/updates/{update_id}/transcript">;
export type Correction = Transcript["corrections"][number];
export type Segment = Transcript["segments"][number];
export type CommentPage = Get<"/api/v1/updates/{update_id}/comments">;
export type Comment = CommentPage["items"][number];
export type Found = Get<"/api/v1/search">;
export type FoundThread = Found["items"][number];
export type Moment = FoundThread["moments"][number];
export type Posted = Post<"/api/v1/threads/{thread_id}/updates">;
export type Upload = NonNullable<Posted["upload"]>;
