"""The OpenAPI documents are valid and say of every route what it asks and answers."""

from typing import Any

import pytest
import schemathesis

from shared.http.app import common_routes
from shared.http.health import Health
from shared.http.openapi import make_document
from shared.http.reference import route_tables
from tests.integration.http.house import Handlers

pytestmark = pytest.mark.contract

SAMPLE = Handlers().routes()
TABLES = {"sample": (*SAMPLE, *common_routes("sample", SAMPLE, Health())), **route_tables()}


@pytest.fixture(scope="module")
def paths() -> dict[str, Any]:
    found: dict[str, Any] = make_document("sample", TABLES["sample"])["paths"]
    return found


@pytest.mark.parametrize("service", sorted(TABLES))
def test_a_document_is_valid_openapi(service: str) -> None:
    schemathesis.openapi.from_dict(make_document(service, TABLES[service])).validate()


@pytest.mark.parametrize("service", sorted(TABLES))
def test_every_route_is_in_its_document_under_a_name_of_its_own(service: str) -> None:
    document = make_document(service, TABLES[service])
    names = [
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
    ]
    assert len(names) == len(set(names)) == len(TABLES[service])


@pytest.mark.parametrize("service", sorted(TABLES))
def test_every_reference_leads_somewhere(service: str) -> None:
    document = make_document(service, TABLES[service])
    known = set(document["components"]["schemas"])
    assert {ref.rpartition("/")[2] for ref in references(document)} <= known


def references(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(inner) for inner in node.values()))
    if isinstance(node, list):
        return set().union(*(references(inner) for inner in node))
    return set()


def test_a_body_brings_its_refusals(paths: dict[str, Any]) -> None:
    responses = paths["/threads"]["post"]["responses"]
    assert {"201", "400", "401", "403", "409", "413", "415", "422", "429", "500", "503"} == set(
        responses
    )
    assert list(responses["422"]["content"]) == ["application/problem+json"]


def test_query_parameters_are_listed_with_their_rules(paths: dict[str, Any]) -> None:
    parameters = {each["name"]: each for each in paths["/threads"]["get"]["parameters"]}
    assert parameters["limit"]["schema"]["maximum"] == 100
    assert parameters["tag"]["schema"]["type"] == "array"
    assert not parameters["word"]["required"]


def test_headers_that_matter_are_listed(paths: dict[str, Any]) -> None:
    (key,) = (each for each in paths["/threads"]["post"]["parameters"] if each["in"] == "header")
    assert (key["name"], key["required"]) == ("Idempotency-Key", False)
    patch = {each["name"]: each for each in paths["/threads/{thread_id}"]["patch"]["parameters"]}
    assert patch["If-Match"]["required"]
    assert patch["thread_id"]["schema"]["format"] == "uuid"


def test_scopes_are_named(paths: dict[str, Any]) -> None:
    assert {"bearer": ["threads:read"]} in paths["/threads/{thread_id}"]["get"]["security"]
