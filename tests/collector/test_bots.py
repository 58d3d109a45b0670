"""Bots: recall and false hits on labelled user agents, and the reason that is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from collector.bots import BOT_SCORE, WEIGHTS, BotReason, reasons, verdict

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"


def labelled(shared_data: Path, name: str) -> list[str]:
    groups: dict[str, list[object]] = yaml.safe_load((shared_data / "bots" / f"{name}.yml").read_text())
    # Two groups of browsers.yml are bots by their own heading ("not worth blocking").
    return [str(ua) for heading, uas in groups.items() if "Insignificat bots" not in heading for ua in uas]


def test_recall(shared_data: Path) -> None:
    crawlers = labelled(shared_data, "crawlers")
    missed = [ua for ua in crawlers if not verdict(ua).bot]
    assert len(crawlers) > 600
    assert len(missed) <= 0.005 * len(crawlers), missed


def test_false_hits(shared_data: Path) -> None:
    browsers = labelled(shared_data, "browsers")
    hits = [ua for ua in browsers if verdict(ua).bot]
    assert len(browsers) > 500
    assert len(hits) <= 0.002 * len(browsers), hits


def test_browsers_of_another_list_are_people(shared_data: Path) -> None:
    # User agents as one site met them, spoofed ones among them: hence the few that are allowed.
    cases = yaml.load((shared_data / "ua/pgts_browser_list.yaml").read_text(), Loader=yaml.CSafeLoader)["test_cases"]
    people = [case["user_agent_string"] for case in cases if case["family"] in ("Firefox", "Safari", "Opera")]
    hits = [ua for ua in people if verdict(ua).bot]
    assert len(people) > 1000
    assert len(hits) <= 0.005 * len(people), hits


@pytest.mark.parametrize(
    ("user_agent", "reason"),
    [
        ("", BotReason.EMPTY),
        ("  ", BotReason.EMPTY),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)", BotReason.AI_CRAWLER),
        ("Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)", BotReason.AI_CRAWLER),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), BotReason.HEADLESS),
        ("curl/8.5.0", BotReason.HTTP_LIBRARY),
        ("python-requests/2.32.3", BotReason.HTTP_LIBRARY),
        ("Go-http-client/2.0", BotReason.HTTP_LIBRARY),
        ("Java/17.0.2", BotReason.HTTP_LIBRARY),
        ("Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", BotReason.MONITORING),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", BotReason.CRAWLER),
        ("Thing/1.0", BotReason.NO_BROWSER),
        ("Mozilla/5.0", BotReason.NO_BROWSER),
        (CHROME, ""),
        (
            "Mozilla/5.0 (Linux; Android 10; CUBOT X30) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
            "",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Instagram 1",
            "",
        ),
    ],
)
def test_reason(user_agent: str, reason: str) -> None:
    found = verdict(user_agent)
    assert (found.reasons.partition(",")[0], found.bot) == (reason, bool(reason))
    assert type(found.reasons) is str


def test_hostile_user_agents_are_survived() -> None:
    assert verdict("\ud800\udfff").reasons == BotReason.NO_BROWSER
    assert verdict(CHROME + " x" * 100_000) == (False, 0, "")


def test_the_automata_do_not_run_dry() -> None:
    """A set that is out of memory says "no match": ten thousand different user agents must not bring it there."""
    for number in range(10_000):
        verdict(f"Mozilla/5.0 (X{number}; rv:{number * 7919}) Thing{number % 97}/{number} like Gecko")
    verdict.forget()
    reasons.forget()
    assert verdict("Mozilla/5.0 (compatible; Googlebot/2.1)") == (True, 100, "crawler,no-browser")
    assert verdict("Mozilla/5.0 (compatible; nobody knows this scraper here)").bot


@pytest.mark.parametrize(
    ("signs", "score", "bot"),
    [
        ([], 0, False),
        (["no-language"], 30, False),
        (["datacenter"], 50, False),
        (["datacenter", "no-language"], 80, True),
        (["rapid", "datacenter"], 100, True),
        (["rapid", "no-language"], 80, True),
        (["spam"], 100, True),
        (["headless", "datacenter", "no-language", ""], 100, True),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else "",
)
def test_signs_add_up(signs: list[str], score: int, bot: bool) -> None:
    found = verdict(CHROME, *signs)
    assert found[:2] == (bot, score)
    assert set(filter(None, found.reasons.split(","))) == set(filter(None, signs))
    assert found.bot is (found.score >= BOT_SCORE)


def test_a_tool_that_a_person_runs_is_no_machine_by_itself() -> None:
    assert verdict(CHROME + " GTmetrix") == (False, 60, "on-demand")
    assert verdict(CHROME + " GTmetrix", "datacenter").bot


@pytest.mark.parametrize("reason", BotReason)
def test_every_reason_weighs(reason: BotReason) -> None:
    assert 0 < WEIGHTS[reason] <= 100
    assert verdict(CHROME, reason).reasons == reason
