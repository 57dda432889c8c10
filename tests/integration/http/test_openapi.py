import asyncio

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.integration.http.house import House, running_house

pytestmark = pytest.mark.integration

#: Some rules cannot be said in a schema, e.g. that texts hold no NUL.
BEYOND_SCHEMA = [positive_data_acceptance]
#: They end only when told, break off on purpose or speak to another server.
NOT_ASKED = {"/stream", "/break-off", "/proxy", "/fail", "/unavailable"}


def ask_everything(house: House) -> list[str]:
    schema = schemathesis.openapi.from_url(f"{house.url}/openapi.json")
    asked = []
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in NOT_ASKED:
            continue

        @hypothesis_settings(
            max_examples=25,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(
                headers={"Authorization": "Bearer whole"}, excluded_checks=BEYOND_SCHEMA
            )

        ask()
        asked.append(operation.label)
    return asked


async def test_what_is_answered_is_what_the_document_says() -> None:
    async with running_house() as house:
        asked = await asyncio.to_thread(ask_everything, house)
    assert "POST /threads" in asked
    assert "GET /problems/{code}" in asked
