"""Sign-in with an OpenID Connect provider: authorization code with PKCE, state and nonce.

Nothing of the provider is believed but an id token signed by its published keys for this client.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

from aiohttp import ClientError, ClientTimeout
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ValidationError

from services.workspace.accounts import store
from services.workspace.accounts.domain import (
    EmailUnverifiedError,
    ProviderMissingError,
    ProviderRefusedError,
    SignInMethod,
    clean_email,
    hash_secret,
    new_secret,
)
from services.workspace.accounts.store import Attempt, Person
from services.workspace.accounts.usecases import NewSession, begin_session
from services.workspace.context import Workspace
from services.workspace.domain import has_control_characters
from shared.db import Connection
from shared.errors import UnavailableError
from shared.ids import new_id

ATTEMPT_LIFETIME = timedelta(minutes=10)
CALLBACK_PATH = "/sign-in/provider/callback"
LEEWAY_S = 60
# Only signatures that need the provider's private key: not "none", no shared secrets.
ALGORITHMS = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
]
_TIMEOUT = ClientTimeout(total=10)


class ProviderUnavailableError(UnavailableError):
    """The sign-in provider does not answer at the moment."""

    code = "provider-unavailable"


class Discovery(BaseModel):
    """What a provider says about itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class TokenReply(BaseModel):
    """The part of the token endpoint's answer that matters."""

    id_token: str


class Identity(BaseModel):
    """The claims we use."""

    sub: str
    email: str | None = None
    email_verified: bool = False
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Departure:
    """Where to send the browser, and the state it must bring back in its cookie."""

    url: str
    state: str


async def depart(workspace: Workspace) -> Departure:
    """Begin a trip to the provider."""
    discovery = await _discover(workspace)
    state, nonce, verifier = new_secret(), new_secret(), new_secret()
    expires_at = workspace.clock.now() + ATTEMPT_LIFETIME
    async with workspace.database.transaction() as tx:
        attempt = Attempt(nonce=nonce, code_verifier=verifier)
        await store.insert_attempt(tx, hash_secret(state), attempt, expires_at)
    query = {
        "response_type": "code",
        "client_id": workspace.settings.oidc_client_id or "",
        "redirect_uri": _redirect_uri(workspace),
        "scope": "openid email profile",
        "state": state,
        "nonce": nonce,
        "code_challenge": code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    separator = "&" if "?" in discovery.authorization_endpoint else "?"
    url = f"{discovery.authorization_endpoint}{separator}{urlencode(query)}"
    return Departure(url=url, state=state)


async def arrive(
    workspace: Workspace, *, state: str, cookie_state: str, code: str, client: str
) -> NewSession:
    """End a trip: begin a session, or say why the answer is not believed."""
    if not hmac.compare_digest(state.encode(), cookie_state.encode()):
        raise ProviderRefusedError
    async with workspace.database.transaction() as tx:
        attempt = await store.take_attempt(tx, hash_secret(state), workspace.clock.now())
    if attempt is None:
        raise ProviderRefusedError
    discovery = await _discover(workspace)
    id_token = await _redeem(workspace, discovery, code, attempt.code_verifier)
    keys = keys_of(await _get_json(workspace, discovery.jwks_uri))
    claims = read_id_token(
        id_token,
        keys,
        issuer=discovery.issuer,
        client_id=workspace.settings.oidc_client_id or "",
        nonce=attempt.nonce,
        now=workspace.clock.now(),
    )
    async with workspace.database.transaction() as tx:
        person_id = (await _person_of(workspace, tx, discovery.issuer, claims)).id
        return await begin_session(workspace, tx, person_id, SignInMethod.PROVIDER, client)


def code_challenge(verifier: str) -> str:
    """Return the S256 challenge of a PKCE verifier (RFC 7636)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def basic_credentials(client_id: str, secret: str) -> str:
    """Return client credentials as a header; both are form-encoded first (RFC 6749 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def keys_of(document: Any) -> KeySet:
    """Return the keys a provider published. Raises ProviderUnavailableError where it has none."""
    try:
        return KeySet.import_key_set(document)
    except (JoseError, LookupError, TypeError, ValueError) as exc:
        raise ProviderUnavailableError from exc


def read_id_token(
    id_token: str, keys: KeySet, *, issuer: str, client_id: str, nonce: str, now: datetime
) -> Identity:
    """Return who it is, if signature, issuer, audience, time and nonce are right.

    The checks are those of OpenID Connect Core 3.1.3.7.
    """
    try:
        claims = jwt.decode(id_token, keys, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, TypeError, KeyError) as exc:
        raise ProviderRefusedError from exc
    if not _is_for_us(claims, issuer, client_id) or not _is_current(claims, now):
        raise ProviderRefusedError
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise ProviderRefusedError
    try:
        return Identity.model_validate(claims)
    except ValidationError as exc:
        raise ProviderRefusedError from exc


def _is_for_us(claims: Mapping[str, Any], issuer: str, client_id: str) -> bool:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    authorized = claims.get("azp", client_id)
    return claims.get("iss") == issuer and client_id in audiences and authorized == client_id


def _is_current(claims: Mapping[str, Any], now: datetime) -> bool:
    expires, issued = claims.get("exp"), claims.get("iat")
    if not isinstance(expires, int | float) or not isinstance(issued, int | float):
        return False
    moment = now.timestamp()
    return expires + LEEWAY_S > moment and issued - LEEWAY_S <= moment


async def _person_of(workspace: Workspace, tx: Connection, issuer: str, claims: Identity) -> Person:
    """Return the person behind the claims. A verified address finds or founds the account.

    Until a provider vouches for it, an address is only what somebody typed when they joined. So
    its owner takes the account over, and whoever had it before loses every way in.
    """
    known = await store.person_by_identity(tx, issuer, claims.sub)
    if known is not None:
        return known
    if not claims.email or not claims.email_verified:
        raise EmailUnverifiedError
    try:
        email = clean_email(claims.email)
    except ValueError as exc:
        raise ProviderRefusedError from exc
    now = workspace.clock.now()
    person = await store.person_by_email(tx, email)
    if person is None:
        person = Person(
            id=new_id(workspace.clock),
            email=email,
            name=_name_of(claims, email),
            password_hash=None,
            created_at=now,
        )
        await store.insert_person(tx, person)
    elif not await store.is_known_elsewhere(tx, person.id):
        await store.drop_ways_in(tx, person.id)
    await store.insert_identity(tx, issuer, claims.sub, person.id, now)
    return person


def _name_of(claims: Identity, email: str) -> str:
    name = (claims.name or "").strip()[:120]
    return name if name and not has_control_characters(name) else email.partition("@")[0]


async def _redeem(workspace: Workspace, discovery: Discovery, code: str, verifier: str) -> str:
    settings = workspace.settings
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": _redirect_uri(workspace),
        "code_verifier": verifier,
        "client_id": settings.oidc_client_id or "",
    }
    headers: dict[str, str] = {}
    if settings.oidc_client_secret is not None:
        if "client_secret_basic" in discovery.token_endpoint_auth_methods_supported:
            headers["Authorization"] = basic_credentials(
                settings.oidc_client_id or "", settings.oidc_client_secret
            )
        else:
            form["client_secret"] = settings.oidc_client_secret
    try:
        async with workspace.client.post(
            discovery.token_endpoint,
            data=form,
            headers=headers,
            timeout=_TIMEOUT,
            allow_redirects=False,
        ) as reply:
            if reply.status != 200:  # noqa: PLR2004 - any other answer is a refusal
                raise ProviderRefusedError
            return TokenReply.model_validate_json(await reply.read()).id_token
    except ValidationError as exc:
        raise ProviderRefusedError from exc
    except (ClientError, TimeoutError) as exc:
        raise ProviderUnavailableError from exc


async def _discover(workspace: Workspace) -> Discovery:
    issuer = workspace.settings.oidc_issuer
    if issuer is None:
        raise ProviderMissingError
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    try:
        discovery = Discovery.model_validate(await _get_json(workspace, url))
    except ValidationError as exc:
        raise ProviderUnavailableError from exc
    if discovery.issuer.rstrip("/") != issuer.rstrip("/"):
        raise ProviderRefusedError
    return discovery


async def _get_json(workspace: Workspace, url: str) -> Any:
    try:
        async with workspace.client.get(url, timeout=_TIMEOUT) as reply:
            reply.raise_for_status()
            return await reply.json(content_type=None)
    except (ClientError, TimeoutError, ValueError) as exc:
        raise ProviderUnavailableError from exc


def _redirect_uri(workspace: Workspace) -> str:
    return f"{workspace.settings.public_url}{CALLBACK_PATH}"
