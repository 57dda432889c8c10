"""Writes the reference of all messages, from the registry: a page for people, AsyncAPI 3 for tools.

``python -m shared.contracts.reference --write`` makes both; ``--check`` fails when one is stale.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from shared.contracts import registry
from shared.contracts.envelope import CONTENT_TYPE
from shared.contracts.registry import Contract

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "reference"
_REGENERATE: Final = "Made from `shared/contracts` by `make contracts`; do not edit."
_SCHEMAS: Final = "#/components/schemas"
_REQUIRED: Final = ("specversion", "id", "source", "type", "time", "datacontenttype", "data")

_PASSING: Final = ", ".join(
    f"`{contract.type}` for {contract.kept_s} seconds"
    for contract in registry.CONTRACTS
    if contract.kept_s is not None
)

_INTRODUCTION: Final = f"""\
# Events

{_REGENERATE}

A **fact** says what happened in a team; integrators may read the facts of theirs. A **wish** asks
one of our own services for work; it is listed here for those who look after the house.

## Three ways to read facts

- **HTTP**: `GET /api/v1/events?after=N` gives a page; ask again with `after` = `next_after`.
- **Server-Sent Events**: the same address with `Accept: text/event-stream`. The id of each event
  is its number; a client that comes back with `Last-Event-ID` misses none.
- **NATS JetStream**: `POST /api/v1/teams/{{team_id}}/event-credentials` gives an address, a
  `.creds` file and the name of a durable pull consumer on the stream `{registry.FACTS_STREAM}`
  that sees this team only. Bind to it with the inbox prefix that comes along, and acknowledge
  each message. `deploy/examples/consume_events.py` is a complete program.

Facts are kept for 30 days, but {_PASSING}.
A number that is no longer kept is answered with 410 `events-expired`.
The same event may come twice, with the same `id`: do its work once. The order within one update is
the order in which things happened; between services it may differ by moments.

## Envelope

Every message is a [CloudEvents 1.0](https://cloudevents.io) envelope in structured JSON
(`{CONTENT_TYPE}`).

| field | meaning |
|---|---|
| `specversion` | `1.0` |
| `id` | UUID of the message, also its `Nats-Msg-Id` |
| `source` | `tidings/` and the service that says it |
| `type` | `tidings.<noun>.<verb>.v<version>` |
| `subject` | the thing it is about, e.g. `update/<id>` |
| `time` | when it was said, ISO 8601 in UTC |
| `datacontenttype` | `application/json` |
| `data` | the fields below |

The W3C `traceparent` travels in a NATS header. Optional fields may be added to a message at any
time; anything else is a new version with its own subject, and both are sent for one release.
"""


def asyncapi_document() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document: what Tidings sends, and in which shape."""
    schemas: dict[str, Any] = {}
    messages = {_name(contract): _message(contract, schemas) for contract in registry.CONTRACTS}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tidings",
            "version": "1",
            "description": "What happens in a team, as CloudEvents on NATS JetStream.",
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "nats": {
                "host": "{host}",
                "protocol": "nats",
                "description": "Credentials: POST /api/v1/teams/{team_id}/event-credentials.",
                "variables": {"host": {"default": "localhost:4222"}},
            }
        },
        "channels": {_name(contract): _channel(contract) for contract in registry.CONTRACTS},
        "operations": {f"send{_name(c)}": _operation(c) for c in registry.CONTRACTS},
        "components": {"messages": messages, "schemas": dict(sorted(schemas.items()))},
    }


def events_page() -> str:
    """Return the page for people."""
    facts = [contract for contract in registry.CONTRACTS if contract.is_fact]
    wishes = [contract for contract in registry.CONTRACTS if not contract.is_fact]
    parts = [_INTRODUCTION, "## Facts\n", _table(facts), "## Wishes\n", _table(wishes)]
    parts += [_section(contract) for contract in registry.CONTRACTS]
    parts += ["## Parts of messages\n", *_parts(), "## Consumers\n", _consumers()]
    return "\n".join(parts)


def pages() -> dict[Path, str]:
    """Return every generated file with its content."""
    asyncapi = json.dumps(asyncapi_document(), indent=2, ensure_ascii=False)
    return {FOLDER / "events.md": events_page(), FOLDER / "asyncapi.json": asyncapi + "\n"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the files; return the exit status."""
    parser = argparse.ArgumentParser(description="Reference of all messages.")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="make the files")
    mode.add_argument("--check", action="store_true", help="fail when a file is out of date")
    if parser.parse_args(arguments).write:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for path, text in pages().items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [path.name for path, text in pages().items() if _content(path) != text]
    for name in stale:
        print(f"deploy/reference/{name} is out of date: run `make contracts`", file=sys.stderr)  # noqa: T201
    return 1 if stale else 0


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _name(contract: Contract) -> str:
    """Return the message's name, with its version from the second on."""
    version = contract.message.version
    return contract.message.__name__ + (f"V{version}" if version > 1 else "")


def _meaning(contract: Contract) -> str:
    return " ".join((contract.message.__doc__ or "").split())


def _channel(contract: Contract) -> dict[str, Any]:
    name = _name(contract)
    parameters = {"team_id": {"description": "Id of the team it happened in."}}
    return {
        "address": contract.subject("{team_id}"),
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        **({"parameters": parameters} if contract.is_fact else {}),
    }


def _operation(contract: Contract) -> dict[str, Any]:
    name = _name(contract)
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": _meaning(contract),
        "tags": [{"name": "fact" if contract.is_fact else "wish"}, {"name": contract.producer}],
        "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
    }


def _message(contract: Contract, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the message object; its schema and those inside it go to ``schemas``."""
    schema = contract.message.model_json_schema(
        mode="serialization", ref_template=_SCHEMAS + "/{model}"
    )
    schemas.update(schema.pop("$defs", {}))
    schemas[_name(contract)] = schema
    return {
        "name": f"tidings.{contract.type}",
        "title": _name(contract),
        "summary": _meaning(contract),
        "contentType": CONTENT_TYPE,
        "headers": {
            "type": "object",
            "properties": {
                "Nats-Msg-Id": {"type": "string", "format": "uuid"},
                "traceparent": {"type": "string"},
            },
        },
        "payload": {
            "type": "object",
            "required": list(_REQUIRED),
            "properties": {
                "specversion": {"const": "1.0"},
                "id": {"type": "string", "format": "uuid"},
                "source": {"const": f"tidings/{contract.producer}"},
                "type": {"const": f"tidings.{contract.type}"},
                "subject": {"type": "string"},
                "time": {"type": "string", "format": "date-time"},
                "datacontenttype": {"const": "application/json"},
                "data": {"$ref": f"{_SCHEMAS}/{_name(contract)}"},
            },
        },
    }


def _table(contracts: Sequence[Contract]) -> str:
    rows = [
        f"| [`{contract.type}`](#{_anchor(contract)}) | {contract.producer} "
        f"| {_meaning(contract)} |"
        for contract in contracts
    ]
    return "\n".join(("| type | said by | meaning |", "|---|---|---|", *rows, ""))


def _anchor(contract: Contract) -> str:
    return contract.type.replace(".", "")


def _section(contract: Contract) -> str:
    heard_by = [
        f"`{consumer.durable}`"
        for consumer in registry.CONSUMERS
        if contract.message in consumer.messages
    ]
    schema = contract.message.model_json_schema(mode="serialization")
    required = set(contract.message.model_json_schema().get("required", ()))
    return "\n".join(
        (
            f"### {contract.type}",
            "",
            f"{_meaning(contract)}  ",
            f"Subject: `{contract.subject('<team_id>')}`  ",
            f"Heard by: {', '.join(heard_by) if heard_by else 'integrators only'}",
            "",
            "| field | type | always | meaning |",
            "|---|---|---|---|",
            *_fields(schema, required),
            "",
        )
    )


def _fields(schema: dict[str, Any], required: set[str]) -> Iterator[str]:
    for name, field in schema["properties"].items():
        always = "yes" if name in required else "may be null or empty"
        yield f"| `{name}` | {_type_of(field)} | {always} | {field.get('description', '')} |"


def _type_of(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return f"`{field['$ref'].rsplit('/', 1)[1]}`"
    if "anyOf" in field:
        return " or ".join(_type_of(choice) for choice in field["anyOf"])
    if field.get("type") == "array":
        return f"list of {_type_of(field['items'])}"
    return str(field.get("format") or field.get("type", "any"))


def _parts() -> Iterator[str]:
    """Give a section for each model or list of values that stands inside messages."""
    document = asyncapi_document()["components"]
    for name, schema in document["schemas"].items():
        if name in document["messages"]:
            continue
        meaning = " ".join(schema.get("description", "").split())
        if "enum" in schema:
            body = ["One of " + ", ".join(f"`{value}`" for value in schema["enum"]) + "."]
        else:
            required = {
                field for field, shape in schema["properties"].items() if "default" not in shape
            }
            head = ("| field | type | always | meaning |", "|---|---|---|---|")
            body = [*head, *_fields(schema, required)]
        yield "\n".join((f"### {name}", "", meaning, "", *body, ""))


def _consumers() -> str:
    rows = [
        f"| `{consumer.durable}` | {consumer.stream} | {consumer.ack_wait_s:g} s "
        f"| {consumer.max_attempts} | {consumer.concurrency} |"
        for consumer in registry.CONSUMERS
    ]
    head = "| durable | stream | ack wait | attempts | at once |"
    return "\n".join((head, "|---|---|---|---|---|", *rows, ""))


if __name__ == "__main__":
    raise SystemExit(main())
