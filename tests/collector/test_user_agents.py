"""User agents: agreement with ua-parser's own truth, device classes, and no silent slow path."""

from __future__ import annotations

from pathlib import Path

import pytest
import ua_parser
import yaml

from collector import user_agents
from collector.user_agents import DEVICES, Agent, parse
from sql.errors import UsageError

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
ANDROID = "Mozilla/5.0 (Linux; Android 14; {model}) AppleWebKit/537.36 (KHTML, like Gecko) "
IOS = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1"


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (WINDOWS + "Chrome/126.0.0.0 Safari/537.36", Agent("Chrome", "126", "Windows", "10", "desktop")),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) Gecko/20100101 Firefox/127.0",
            Agent("Firefox", "127", "Mac OS X", "10.15", "desktop"),
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) {IOS}",
            Agent("Mobile Safari", "17", "iOS", "17.4", "mobile"),
        ),
        (
            f"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) {IOS}",
            Agent("Mobile Safari", "17", "iOS", "16.6", "tablet"),
        ),
        (
            ANDROID.format(model="Pixel 8") + "Chrome/126.0.0.0 Mobile Safari/537.36",
            Agent("Chrome Mobile", "126", "Android", "14", "mobile"),
        ),
        (
            ANDROID.format(model="Lenovo TB") + "Chrome/126.0.0.0 Safari/537.36",
            Agent("Chrome", "126", "Android", "14", "tablet"),
        ),
        ("", Agent("", "", "", "", "other")),
        ("nonsense", Agent("", "", "", "", "other")),
    ],
    ids=["chrome", "firefox", "iphone", "ipad", "android phone", "android tablet", "empty", "unknown"],
)
def test_fields(user_agent: str, expected: Agent) -> None:
    assert parse(user_agent) == expected


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        ("Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 Chrome/94.0 TV Safari/537.36", "tv"),
        (
            "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0 Safari/537.36",
            "tv",
        ),
        (
            "Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7) AppleWebKit/537.36 Chrome/94.0 Safari/537.36",
            "tv",
        ),
        (WINDOWS.replace("x64)", "x64; Xbox; Xbox One)") + "Chrome/94.0 Safari/537.36 Edge/18", "tv"),
        (
            "Mozilla/5.0 (compatible; MSIE 9.0; Windows Phone OS 7.5; Trident/5.0; IEMobile/9.0; Xbox)",
            "mobile",
        ),
        (
            "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
            "tablet",
        ),
        (
            "Mozilla/5.0 (Linux; Android 9; KFMAWI) AppleWebKit/537.36 Silk/120 like Chrome/120 Safari/537.36",
            "tablet",
        ),
        ("Dalvik/2.1.0 (Linux; U; Android 9; SM-G965U Build/PPR1.180610.011)", "mobile"),
        ("Example/50 CFNetwork/1220.1 Darwin/20.3.0", "mobile"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36", "desktop"),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "desktop"),
    ],
)
def test_device(user_agent: str, device: str) -> None:
    assert device in DEVICES
    assert parse(user_agent).device == device


@pytest.mark.parametrize(("file", "field"), [("test_ua", "browser"), ("test_os", "os"), ("additional_os_tests", "os")])
def test_agrees_with_the_truth(shared_data: Path, file: str, field: str) -> None:
    cases = yaml.load((shared_data / "ua" / f"{file}.yaml").read_text(), Loader=yaml.CSafeLoader)["test_cases"]
    wrong = [case["user_agent_string"] for case in cases if _read(case, field) != _expected(case, field)]
    assert wrong == []


def _read(case: dict[str, str], field: str) -> tuple[str, str]:
    agent = parse(case["user_agent_string"])
    return (agent.browser, agent.browser_version) if field == "browser" else (agent.os, agent.os_version)


def _expected(case: dict[str, str], field: str) -> tuple[str, str]:
    if case["family"] == "Other":
        return "", ""
    major, minor = case.get("major") or "", case.get("minor") or ""
    return case["family"], f"{major}.{minor}" if field == "os" and major and minor else major


def test_never_falls_back_to_the_slow_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ua_parser, "RegexResolver", None)
    user_agents._parser.cache_clear()
    try:
        with pytest.raises(UsageError, match="fast user agent parser"):
            user_agents.warm_up()
    finally:
        user_agents._parser.cache_clear()


def test_hostile_user_agents_are_survived() -> None:
    assert parse("\ud800" * 10).device == "other"
    assert parse("Mozilla/5.0 (" + "a;" * 100_000).device in DEVICES
