"""A version changes with what a derivation is made by, and with nothing else."""

from __future__ import annotations

import datetime as dt

import pytest

from collector.enrich import versions as module
from collector.enrich.versions import updated, versions
from collector.lifecycle.rules import rules
from sql.core.errors import UsageError


def hashes(*given):
    return {name: text.split(" ")[1] for name, text in versions(*given).items()}


def test_every_rule_has_its_version():
    assert {name: rule.version for name, rule in rules().items()} == versions()
    assert all(text.startswith(f"{updated()} ") for text in versions().values())
    assert updated() <= dt.datetime.now(dt.UTC).date()


@pytest.mark.parametrize(
    ("changed", "derivations"),
    [
        ("sources.csv", {"channels"}),
        ("agents.csv", {"user-agents"}),
        ("bots.csv", {"bots"}),
        ("scanned.txt", {"bots"}),
        ("spam.txt", {"bots"}),
        ("updated.txt", set()),
    ],
)
def test_a_list_that_changes(changed, derivations, monkeypatch):
    before, real = hashes(), module._list
    with_more = {changed: b"2001-01-01\n" if changed == "updated.txt" else real(changed) + b"\n"}
    monkeypatch.setattr(module, "_list", lambda name: with_more.get(name) or real(name))
    assert {name for name, text in hashes().items() if text != before[name]} == derivations


@pytest.mark.parametrize(
    ("package", "derivation"),
    [("publicsuffixlist", "channels"), ("ua-parser-builtins", "user-agents"), ("crawler-user-agents", "bots")],
)
def test_a_package_of_another_release(package, derivation, monkeypatch):
    before, real = hashes(), module.version
    monkeypatch.setattr(module, "version", lambda name: "9" if name == package else real(name))
    assert {name for name, text in hashes().items() if text != before[name]} == {derivation}


def test_the_operators_own_list(tmp_path):
    own = tmp_path / "spam.txt"
    own.write_text("a.example\n")
    first = hashes(own)
    assert {name for name, text in first.items() if text != hashes()[name]} == {"bots"}
    own.write_text("b.example\n")
    assert hashes(own)["bots"] != first["bots"]
    with pytest.raises(UsageError, match="cannot read the spam file"):
        versions(tmp_path / "absent.txt")
