"""Compose files, Prometheus and Grafana: what they name is there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.collector.web.test_metrics import GET, ask, options  # noqa: F401 (a fixture)

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = sorted(DEPLOY.glob("compose*.yaml"))
RULES = [rule for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
PANELS = json.loads((DEPLOY / "grafana" / "footfall.json").read_text())["panels"]
EXPRESSIONS = {
    **{rule["alert"]: [rule["expr"]] for rule in RULES},
    **{panel["title"]: [target["expr"] for target in panel["targets"]] for panel in PANELS},
}


@pytest.fixture
def samples(options):  # noqa: F811
    """Names of all figures of /metrics."""
    [answer] = ask(options, GET)
    return {sample.name for family in text_string_to_metric_families(answer.text) for sample in family.samples}


def test_every_metric_that_is_shown_or_watched_is_there(samples):
    for title, expressions in EXPRESSIONS.items():
        named = {name for text in expressions for name in re.findall(r"\bfootfall_\w+", text)}
        assert named <= samples, title
        assert named or title == "FootfallDown"


def test_panels_do_not_cover_each_other():
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in PANELS]
    assert len(places) == len(set(places)) == len({panel["id"] for panel in PANELS})
    assert {panel["datasource"]["uid"] for panel in PANELS} == {
        each["uid"] for each in yaml.safe_load((DEPLOY / "grafana" / "datasource.yaml").read_text())["datasources"]
    }


def test_prometheus_takes_its_files(tmp_path):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (make system)")
    queries = [text.replace("$__rate_interval", "1m") for panel in PANELS for text in EXPRESSIONS[panel["title"]]]
    shown = [{"record": f"shown:{number}", "expr": text} for number, text in enumerate(queries)]
    (tmp_path / "shown.yml").write_text(yaml.safe_dump({"groups": [{"name": "shown", "rules": shown}]}))
    for words in (["config", DEPLOY / "prometheus.yml"], ["rules", tmp_path / "shown.yml"]):
        done = subprocess.run([promtool, "check", *map(str, words)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_a_compose_file_names_what_is_there_and_gives_nothing_away(path):
    whole = yaml.safe_load(path.read_text())
    for name, service in whole["services"].items():
        assert ("image" in service) != ("build" in service), name
        assert set(service.get("depends_on", [])) <= whole["services"].keys(), name
        for mount in service.get("volumes", []):
            source, target, *_ = mount.split(":")
            assert target.startswith("/")
            assert (DEPLOY / source).is_file() if source.startswith(".") else source in whole["volumes"], mount
        for key, value in service.get("environment", {}).items():
            assert "PASSWORD" not in key or value.startswith("${"), f"{name}: {key}"
        if name != "caddy" or path.name != "compose.yaml":
            assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"], name
        published = [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")]
        assert published == [] or name == "caddy"


def test_settings_of_footfall_in_compose_files_are_settings():
    known = (DEPLOY.parent / "docs" / "configuration.md").read_text()
    for path in COMPOSE:
        for name in re.findall(r"\bFOOTFALL_\w+", path.read_text()):
            assert f"`{name}`" in known, f"{path.name}: {name}"


def test_a_host_of_the_cluster_has_the_macros_of_the_schema():
    config = ET.parse(DEPLOY / "clickhouse" / "cluster.xml").getroot()  # noqa: S314 (ours)
    assert [each.tag for each in config.find("macros")] == ["cluster", "shard", "replica"]
    hosts = [host.text for host in config.iter("host")]
    services = yaml.safe_load((DEPLOY / "compose.cluster.yaml").read_text())["services"]
    assert set(hosts) == services.keys()
    keeper = ET.parse(DEPLOY / "clickhouse" / "keeper.xml").getroot()  # noqa: S314
    assert config.find("zookeeper/node/port").text == keeper.find("keeper_server/tcp_port").text
