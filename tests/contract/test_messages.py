"""Every message: registered, sampled, said and heard. A sample once frozen must decode for ever."""

import ast
import functools
import inspect
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jsonschema
import pytest

from shared.contracts import envelope, registry
from shared.contracts import messages as m
from shared.contracts.reference import asyncapi_document, main
from shared.contracts.registry import Consumer, Contract

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.json"))
BASES = {m.Message, m.Fact, m.Wish, m.UpdateFact}


def _message_classes() -> set[type[m.Message]]:
    return {
        value
        for value in vars(m).values()
        if inspect.isclass(value) and issubclass(value, m.Message) and value not in BASES
    }


# --- registry and code ---------------------------------------------------------------------------


def test_every_message_class_is_registered_once() -> None:
    registered = [contract.message for contract in registry.CONTRACTS]
    assert len(registered) == len(set(registered))
    assert set(registered) == _message_classes()


def test_types_are_unique_and_producers_exist() -> None:
    assert len(registry.BY_TYPE) == len(registry.CONTRACTS)
    assert {contract.producer for contract in registry.CONTRACTS} <= set(registry.SERVICES)


@pytest.mark.parametrize("contract", registry.CONTRACTS, ids=lambda contract: contract.type)
def test_a_subject_says_kind_team_type_and_version(contract: Contract) -> None:
    team = uuid4()
    start = f"tidings.fact.{team}." if contract.is_fact else "tidings.wish."
    assert contract.subject(team) == start + contract.type
    assert contract.type == (
        f"{contract.message.noun}.{contract.message.verb}.v{contract.message.version}"
    )
    assert contract.message.__doc__


@pytest.mark.parametrize("consumer", registry.CONSUMERS, ids=lambda consumer: consumer.durable)
def test_a_consumer_reads_registered_messages_of_one_stream(consumer: Consumer) -> None:
    contracts = [registry.BY_MESSAGE[message] for message in consumer.messages]
    assert {contract.stream for contract in contracts} == {consumer.stream}
    assert consumer.service in registry.SERVICES
    assert consumer.durable.startswith(f"{consumer.service}-")


def test_every_wish_is_heard_by_exactly_one_consumer() -> None:
    for contract in registry.CONTRACTS:
        if not contract.is_fact:
            hearing = [c for c in registry.CONSUMERS if contract.message in c.messages]
            assert len(hearing) == 1, contract.type


@pytest.mark.parametrize("contract", registry.CONTRACTS, ids=lambda contract: contract.type)
def test_every_registered_message_is_made_by_its_producer_and_nobody_else(
    contract: Contract,
) -> None:
    name = contract.message.__name__
    makers = {service for service in registry.SERVICES if name in _calls_in(service)}
    assert makers == {contract.producer}


@pytest.mark.parametrize("consumer", registry.CONSUMERS, ids=lambda consumer: consumer.durable)
def test_every_registered_consumer_is_run_by_its_service(consumer: Consumer) -> None:
    users = {service for service in registry.SERVICES if consumer.durable in _texts_in(service)}
    assert users == {consumer.service}


def _trees(service: str) -> Iterator[ast.AST]:
    for path in sorted((ROOT / "services" / service).rglob("*.py")):
        yield ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def _calls_in(service: str) -> set[str]:
    """Return the names of everything the service calls: how a message is made."""
    calls = [
        node.func
        for tree in _trees(service)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]
    return {
        func.attr if isinstance(func, ast.Attribute) else func.id
        for func in calls
        if isinstance(func, ast.Attribute | ast.Name)
    }


@functools.cache
def _texts_in(service: str) -> set[str]:
    return {
        node.value
        for tree in _trees(service)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


# --- samples -------------------------------------------------------------------------------------


def test_every_registered_message_has_a_sample() -> None:
    assert set(registry.BY_TYPE) <= {path.stem for path in SAMPLES}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_frozen_sample_decodes_and_keeps_its_meaning(path: Path) -> None:
    raw = path.read_bytes()
    opened, message = envelope.unpack(raw)
    assert opened.type == f"tidings.{path.stem}"
    kept = json.loads(message.model_dump_json())
    assert {name: kept[name] for name in json.loads(raw)["data"]} == json.loads(raw)["data"]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_what_is_packed_is_what_was_unpacked(path: Path) -> None:
    opened, message = envelope.unpack(path.read_bytes())
    packed = envelope.pack(message, message_id=opened.id, time=opened.time)
    again, same = envelope.unpack(packed)
    # A sample from before an optional field was added says nothing of it; its default is packed.
    assert (again.model_copy(update={"data": opened.data}), same) == (opened, message)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_with_a_field_of_tomorrow_still_decodes(path: Path) -> None:
    raw = json.loads(path.read_bytes())
    raw["data"]["of_tomorrow"] = raw["of_tomorrow"] = {"deep": [1]}
    _, message = envelope.unpack(json.dumps(raw).encode())
    assert message == envelope.unpack(path.read_bytes())[1]


# --- references ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asyncapi() -> dict[str, Any]:
    return asyncapi_document()


def test_the_references_are_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_asyncapi_has_a_channel_an_operation_and_a_message_for_each_contract(
    asyncapi: dict[str, Any],
) -> None:
    names = {contract.message.__name__ for contract in registry.CONTRACTS}
    assert asyncapi["asyncapi"] == "3.0.0"
    assert set(asyncapi["channels"]) == set(asyncapi["components"]["messages"]) == names
    assert set(asyncapi["operations"]) == {f"send{name}" for name in names}


def test_every_reference_of_the_asyncapi_document_leads_somewhere(
    asyncapi: dict[str, Any],
) -> None:
    references = list(_references(asyncapi))
    assert references
    for reference in references:
        target: Any = asyncapi
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


def test_the_parameters_of_an_address_are_declared(asyncapi: dict[str, Any]) -> None:
    for channel in asyncapi["channels"].values():
        named = {part.split("}")[0] for part in channel["address"].split("{")[1:]}
        assert named == set(channel.get("parameters", {}))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_fits_its_asyncapi_schema(asyncapi: dict[str, Any], path: Path) -> None:
    sample = json.loads(path.read_bytes())
    name = registry.BY_TYPE[path.stem].message.__name__
    payload = asyncapi["components"]["messages"][name]["payload"]
    schema = {**payload, "components": asyncapi["components"]}
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(sample)
    del sample["data"]["team_id"]
    assert not validator.is_valid(sample)


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from _references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _references(inner)


# --- strict when said, tolerant when heard -------------------------------------------------------


def _pack(message: m.Message) -> bytes:
    return envelope.pack(message, message_id=UUID(int=7), time=datetime(2026, 1, 1, tzinfo=UTC))


def test_a_message_with_a_broken_field_is_not_said() -> None:
    broken = m.TeamFounded.model_construct(team_id=uuid4(), name=None)
    with pytest.raises(envelope.UnfitMessageError):
        _pack(broken)


def test_a_message_with_an_unknown_field_is_not_said() -> None:
    class Extended(m.TeamFounded):
        colour: str = "red"

    with pytest.raises(envelope.UnfitMessageError):
        _pack(Extended(team_id=uuid4(), name="Red"))


def test_a_message_too_large_to_travel_is_not_said() -> None:
    with pytest.raises(envelope.UnfitMessageError):
        _pack(m.TeamFounded(team_id=uuid4(), name="x" * envelope.MAX_ENVELOPE_BYTES))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"specversion": "0.3"}, envelope.UnreadableMessageError),
        ({"id": "seven"}, envelope.UnreadableMessageError),
        ({"time": "yesterday"}, envelope.UnreadableMessageError),
        ({"data": []}, envelope.UnreadableMessageError),
        ({"data": {"name": 7}}, envelope.UnreadableMessageError),
        ({"datacontenttype": "text/xml"}, envelope.UnreadableMessageError),
        ({"type": "tidings.team.founded.v2"}, envelope.UnknownMessageError),
        ({"type": "com.example.order.v1"}, envelope.UnreadableMessageError),
    ],
)
def test_what_is_no_message_of_ours_is_refused(
    change: dict[str, Any], error: type[Exception]
) -> None:
    whole = json.loads(_pack(m.TeamFounded(team_id=uuid4(), name="Red")))
    with pytest.raises(error):
        envelope.unpack(json.dumps({**whole, **change}).encode())


def test_a_refusal_names_fields_and_never_what_they_hold() -> None:
    whole = json.loads(_pack(m.TeamFounded(team_id=uuid4(), name="Red")))
    whole["data"]["team_id"] = "a secret word"
    with pytest.raises(envelope.UnreadableMessageError) as caught:
        envelope.unpack(json.dumps(whole).encode())
    assert caught.value.errors == (("team_id", "uuid_parsing"),)
    assert "secret" not in f"{caught.value}{caught.value.fields}{caught.value.__cause__}"


def test_the_subject_names_the_narrowest_thing() -> None:
    removed = m.CommentRemoved(
        team_id=uuid4(), thread_id=uuid4(), update_id=uuid4(), comment_id=UUID(int=9)
    )
    assert envelope.open_envelope(_pack(removed)).subject == f"comment/{UUID(int=9)}"
