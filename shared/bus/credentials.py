"""Who may say and hear what on the bus, derived from the registry and enforced by the server.

A service publishes only the messages it produces and reads only its own durables. An integrator
reads one durable of one team. ``admin`` provisions and looks after dead letters.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from shared.bus.keys import Keys, TeamSigner, make_operator, make_user, write_secret
from shared.clock import Clock, SystemClock
from shared.contracts import registry

ADMIN: Final = "admin"
MAX_PAYLOAD: Final = "8MB"
_API: Final = "$JS.API"
_UNLIMITED: Final = -1
_TEAM_CONNECTIONS: Final = ["STANDARD", "WEBSOCKET"]


def team_durable(credential_id: UUID | str) -> str:
    """Return the name of the consumer that belongs to an integrator's credential."""
    return f"team-{credential_id}"


def service_credentials(keys: Keys, service: str, *, clock: Clock | None = None) -> str:
    """Return the ``.creds`` text of one service, or of ``admin``, which may do anything here.

    Raises ValueError for a name the registry does not know.
    """
    if service != ADMIN and service not in registry.SERVICES:
        message = f"{service} is not a service"
        raise ValueError(message)
    permissions: dict[str, Any] = {"pub": {}, "sub": {}}
    if service != ADMIN:
        permissions = {
            "pub": {"allow": _may_publish(service), "deny": _may_not_publish(service)},
            "sub": {"allow": [f"_INBOX_{service}.>"]},
        }
    limits = {"subs": _UNLIMITED, "data": _UNLIMITED, "payload": _UNLIMITED}
    return make_user(keys.account, service, {**permissions, **limits}, clock=clock)


def team_credentials(
    signer: TeamSigner,
    *,
    team_id: UUID,
    credential_id: UUID,
    ttl_s: float,
    clock: Clock | None = None,
) -> str:
    """Return the ``.creds`` text of an integrator: it reads one durable of one team.

    What it may do stands in the account's claims beside the signing key, not here; so a stolen
    signing key makes readers of existing team durables and nothing else. The durable
    ``team_durable(credential_id)``, filtered to the team, must exist.
    """
    return make_user(
        signer.key,
        str(credential_id),
        {"issuer_account": signer.account},
        ttl_s=ttl_s,
        tags=[f"team:{team_id}"],
        clock=clock,
    )


def access_config(keys: Keys, *, clock: Clock | None = None) -> str:
    """Return the part of a server's configuration that says whom to trust."""
    clock = clock or SystemClock()
    operator = keys.operator.sign_claims(
        keys.operator.public,
        "tidings",
        {"type": "operator", "system_account": keys.system.public},
        clock=clock,
    )
    preload = {
        keys.system.public: _account(keys, keys.system.public, "SYS", [], clock),
        keys.account.public: _account(
            keys, keys.account.public, "tidings", [_team_scope(keys)], clock
        ),
    }
    accounts = "\n".join(f"  {name}: {jwt}" for name, jwt in preload.items())
    return (
        f"operator: {operator}\nsystem_account: {keys.system.public}\n"
        f"resolver: MEMORY\nresolver_preload: {{\n{accounts}\n}}\n"
    )


def server_config(
    keys: Keys,
    *,
    host: str,
    port: int,
    store_dir: Path,
    monitor_port: int | None = None,
    clock: Clock | None = None,
) -> str:
    """Return a whole server configuration: JetStream on disk, every client authenticated."""
    monitor = f'http: "{host}:{monitor_port}"\n' if monitor_port is not None else ""
    return (
        f'server_name: tidings\nlisten: "{host}:{port}"\n{monitor}max_payload: {MAX_PAYLOAD}\n'
        # What the stream acknowledged is on the disk: the relay forgets it then.
        f"jetstream {{ store_dir: {json.dumps(str(store_dir))}, sync_interval: always }}\n"
        + access_config(keys, clock=clock)
    )


def write_credentials(directory: Path, *, clock: Clock | None = None) -> Keys:
    """Write the credentials of every service, ``admin.creds`` and delivery's signing key.

    Seeds already in ``directory/keys`` are kept, so credentials made before stay good.
    """
    keys = make_operator(directory / "keys")
    for service in (*registry.SERVICES, ADMIN):
        text = service_credentials(keys, service, clock=clock)
        write_secret(directory / f"{service}.creds", text)
    write_secret(directory / "team-signer.key", keys.team_signer.text)
    return keys


def _may_publish(service: str) -> list[str]:
    contracts = [c.subject() for c in registry.CONTRACTS if c.producer == service]
    own = [consumer for consumer in registry.CONSUMERS if consumer.service == service]
    reading = [
        subject
        for consumer in own
        for subject in (*_reading(consumer.stream, consumer.durable), consumer.dead_subject)
    ]
    return [*contracts, *reading, *(_delivery_may_publish() if service == "delivery" else ())]


def _may_not_publish(service: str) -> list[str]:
    """Keep delivery, which makes consumers for readers, away from those of the services."""
    if service != "delivery":
        return []
    return [
        subject
        for consumer in registry.CONSUMERS
        if consumer.stream == registry.FACTS_STREAM and consumer.service != service
        for subject in (
            f"{_API}.CONSUMER.CREATE.{consumer.stream}.{consumer.durable}",
            f"{_API}.CONSUMER.CREATE.{consumer.stream}.{consumer.durable}.>",
            f"{_API}.CONSUMER.MSG.NEXT.{consumer.stream}.{consumer.durable}",
            f"{_API}.CONSUMER.DELETE.{consumer.stream}.{consumer.durable}",
        )
    ]


def _delivery_may_publish() -> Sequence[str]:
    facts = registry.FACTS_STREAM
    return (
        f"{_API}.STREAM.INFO.{facts}",
        # The filter is part of the subject: this allows consumers of facts and of nothing else.
        f"{_API}.CONSUMER.CREATE.{facts}.*.tidings.fact.*.>",
        f"{_API}.CONSUMER.INFO.{facts}.*",
        f"{_API}.CONSUMER.MSG.NEXT.{facts}.*",
        f"{_API}.CONSUMER.DELETE.{facts}.*",
    )


def _reading(stream: str, durable: str) -> tuple[str, ...]:
    return (
        f"{_API}.CONSUMER.MSG.NEXT.{stream}.{durable}",
        f"{_API}.CONSUMER.INFO.{stream}.{durable}",
        f"$JS.ACK.{stream}.{durable}.>",
    )


def _team_scope(keys: Keys) -> dict[str, Any]:
    """Say once, for every integrator, what it may do; the server fills in the user's name."""
    durable = team_durable("{{name()}}")
    return {
        "kind": "user_scope",
        "key": keys.team_signer_key.public,
        "role": "team-reader",
        "template": {
            "pub": {"allow": list(_reading(registry.FACTS_STREAM, durable))},
            "sub": {"allow": [f"_INBOX_{durable}.>"]},
            "subs": 20,
            "data": _UNLIMITED,
            "payload": 64 * 1024,
            "allowed_connection_types": _TEAM_CONNECTIONS,
        },
    }


def _account(
    keys: Keys, public: str, name: str, signing_keys: list[dict[str, Any]], clock: Clock
) -> str:
    many = ("subs", "data", "payload", "imports", "exports", "conn", "leaf")
    stored = ("mem_storage", "disk_storage", "streams", "consumer")
    is_ours = public == keys.account.public
    limits: dict[str, Any] = {
        **dict.fromkeys(many, _UNLIMITED),
        # The server refuses JetStream to its system account.
        **(dict.fromkeys(stored, _UNLIMITED) if is_ours else {}),
        "wildcards": True,
    }
    claims = {
        "type": "account",
        "limits": limits,
        "default_permissions": {"pub": {}, "sub": {}},
        **({"signing_keys": signing_keys} if signing_keys else {}),
    }
    return keys.operator.sign_claims(public, name, claims, clock=clock)
