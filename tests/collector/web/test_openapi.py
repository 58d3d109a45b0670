"""The OpenAPI document is true to a running collector: requests made from it, answers held against it."""

from __future__ import annotations

import asyncio

import falcon.testing
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

from collector.event.limits import Limits
from collector.event.model import DropReason
from collector.ingest.paths import Paths
from collector.ingest.service import AppOptions
from collector.sites.registry import Site
from collector.sites.snapshot import publish
from collector.web.app import create_app
from collector.web.openapi import STATUSES, document
from collector.web.tracker_files import built
from sql.core.data_dir import DataDir

HONEST = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
]


# A second path to the same resource is asked less often: what is behind it has been asked by its first.
EXAMPLES, OF_A_SECOND_PATH = 150, 15


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_every_answer_is_one_that_the_document_tells(lasting, mode):
    """Requests that fit the document and requests that do not, with a key and without; never a 5xx."""
    interface = schemathesis.openapi.from_url(f"http://127.0.0.1:{lasting.port}/openapi.json")
    found = {found.ok().definition.raw["operationId"]: found.ok() for found in interface.get_all_operations()}
    assert {"postEvents", "postEventsRenamed", "getPixel", "postPixel", "getTracker"} <= set(found)
    statuses = {name: walked(operation, mode, lasting.key) for name, operation in found.items()}
    asked = statuses["postEvents"]
    assert len(asked) > 200
    assert {400, 401} <= set(asked) <= {*STATUSES, 404, 405}
    assert 202 in asked or mode == "negative"


def walked(operation, mode, key):
    """Statuses of requests made for one operation; each answer is held against the document."""
    statuses = []

    examples = OF_A_SECOND_PATH if operation.definition.raw["operationId"].endswith("Renamed") else EXAMPLES

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode)))
    def ask(case):
        for headers in ({}, {"X-Footfall-Key": key}):
            statuses.append(case.call_and_validate(headers=headers, checks=HONEST).status_code)

    try:
        ask()
    except Unsatisfiable:  # without parameters there is nothing to do wrong
        assert mode == "negative"
    return statuses


def served(home):
    async def ask():
        async with falcon.testing.ASGIConductor(create_app(AppOptions(home))) as conductor:
            return await conductor.simulate_get("/openapi.json")

    return asyncio.run(ask())


def test_the_document_is_served(tmp_path):
    home = DataDir(tmp_path / "data").make()
    publish(home.sites_file, [Site(1, "s.example", "UTC")])
    answer = served(home)
    assert answer.status_code == 200
    assert answer.json == document(Limits(), Paths(), built().modules)
    assert answer.json["openapi"].startswith("3.1")


def test_limits_in_force_stand_in_it():
    made = document(Limits(batch_events=7, properties=3, text=11))["components"]["schemas"]
    assert made["Batch"]["properties"]["events"]["maxItems"] == 7
    assert made["Event"]["properties"]["props"]["maxProperties"] == 3
    assert made["Single"]["properties"]["title"]["maxLength"] == 11


def test_paths_in_force_stand_in_it():
    paths = document(Limits(), Paths("/js/f.js", "/js/notes"), ["forms", "outbound"])["paths"]
    assert {"/v1/events", "/js/notes", "/footfall.js", "/js/f.js"} <= set(paths)
    for path in ("/footfall.{module}.js", "/js/f.{module}.js"):
        assert paths[path]["get"]["parameters"][0]["schema"]["enum"] == ["forms", "outbound"]
    names = [operation["operationId"] for path in paths.values() for operation in path.values()]
    assert len(names) == len(set(names))
    assert not [path for path in document(Limits())["paths"] if "{module}" in path]


def test_every_reason_and_status_stands_in_it():
    made = document(Limits())
    assert set(made["components"]["schemas"]["DropReason"]["enum"]) == set(DropReason)
    assert set(made["paths"]["/v1/events"]["post"]["responses"]) == {str(status) for status in STATUSES}
