"""User agents: agreement with ua-parser's own truth, device classes, and no silent slow path."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
import ua_parser
import yaml

from collector.enrich import user_agents
from collector.enrich.user_agents import DEVICES, Agent, on_screen, parse
from sql.core.errors import UsageError

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
            Agent("Safari", "17", "iOS", "17.4", "mobile"),
        ),
        (
            f"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) {IOS}",
            Agent("Safari", "17", "iOS", "16.6", "tablet"),
        ),
        (
            ANDROID.format(model="Pixel 8") + "Chrome/126.0.0.0 Mobile Safari/537.36",
            Agent("Chrome", "126", "Android", "14", "mobile"),
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


WEBVIEW = ANDROID.format(model="SM-S911B Build/UP1A; wv") + "Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
OPEN_HARMONY = "OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1"


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (WEBVIEW, "Chrome 126 Android 14 mobile"),
        (IPHONE + "CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1", "Chrome 126 iOS 17.4 mobile"),
        (IPHONE + "FxiOS/126.0 Mobile/15E148 Safari/605.1.15", "Firefox 126 iOS 17.4 mobile"),
        (IPHONE + "EdgiOS/125.0 Version/17.0 Mobile/15E148 Safari/604.1", "Edge 125 iOS 17.4 mobile"),
        ("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "Firefox 127 Android 14 mobile"),
        (MAC + "FxiOS/126.0 Safari/605.1.15", "Firefox 126 iOS - tablet"),
        (MAC + "CriOS/126.0.6478.54 Version/17.4 Safari/605.1.15", "Chrome 126 iOS - tablet"),
        (WEBVIEW + " [FB_IAB/FB4A;FBAV/460.0.0.48.109;]", "Facebook 460 Android 14 mobile"),
        (WEBVIEW + " Instagram 330.0.0.40.92 Android (33/13)", "Instagram 330 Android 14 mobile"),
        (IPHONE + "Mobile/15E148 musical_ly_33.0.0 BytedanceWebview/d8a21c6", "TikTok 33 iOS 17.4 mobile"),
        (IPHONE + "Mobile/15E148 Safari Line/14.3.0", "LINE 14 iOS 17.4 mobile"),
        (WEBVIEW + " MicroMessenger/8.0.47.2560(0x28002F37) WeChat/arm64 Weixin", "WeChat 8 Android 14 mobile"),
        (IPHONE + "Mobile/15E148 MicroMessenger/8.0.47(0x18002f2c)", "WeChat 8 iOS 17.4 mobile"),
        (IPHONE + "Mobile/15E148 LinkedInApp/9.29", "LinkedIn 9 iOS 17.4 mobile"),
        (IPHONE + "Mobile/15E148 KAKAOTALK 10.6.5", "KakaoTalk 10 iOS 17.4 mobile"),
        (WEBVIEW + " Snapchat/12.8", "Snapchat 12 Android 14 mobile"),
        (WEBVIEW.replace("Mobile", "Quark/6.10.1.480 Mobile"), "Quark 6 Android 14 mobile"),
        (WINDOWS + "Chrome/122.0.0.0 YaBrowser/24.4.0.0 Safari/537.36", "Yandex_Browser 24 Windows 10 desktop"),
        (IPHONE + "Mobile/15E148 YaApp_iOS/24.41 YaApp_iOS_Browser/24.41 SA/3", "Yandex_Browser 24 iOS 17.4 mobile"),
        (f"Mozilla/5.0 (Phone; {OPEN_HARMONY} Mobile", "ArkWeb 4 OpenHarmony 5.0 mobile"),
        (f"Mozilla/5.0 (Tablet; {OPEN_HARMONY}", "ArkWeb 4 OpenHarmony 5.0 tablet"),
        (f"Mozilla/5.0 (PC; {OPEN_HARMONY}", "ArkWeb 4 OpenHarmony 5.0 desktop"),
        (
            ANDROID.format(model="HarmonyOS; NOH-AN00") + "Chrome/99.0 HuaweiBrowser/14.0.5 Mobile Safari/537.36",
            "Huawei_Browser 14 HarmonyOS - mobile",
        ),
    ],
)
def test_browsers_in_apps_and_on_every_device(user_agent: str, expected: str) -> None:
    assert " ".join(part.replace(" ", "_") or "-" for part in parse(user_agent)) == expected


@pytest.mark.parametrize(
    ("model", "mobile", "device"),
    [
        *((model, "", "tv") for model in ["TX3 Mini", "MIBOX4", "H96 Max X3", "X96mini", "T95 Max", "Mecool KM6"]),
        *((model, "", "tv") for model in ["BeyondTV", "SHIELD Android TV", "POV_TV-HDMI-210", "Q96 MAX", "AFTKA"]),
        *(
            (model, " Mobile", "mobile")
            for model in ["AQUOS sense6 SH-54B", "ZTE BLADE A5 TV", "HD7S T9399+ TV FOR AT&T"]
        ),
        *((model, "", "tablet") for model in ["BNTV600", "SHIELD Tablet", "Lenovo TB", "SM-X700", "MID7012TV"]),
    ],
)
def test_television_boxes_phones_and_tablets(model: str, mobile: str, device: str) -> None:
    assert parse(ANDROID.format(model=model) + f"Chrome/126.0.0.0{mobile} Safari/537.36").device == device


def test_an_ipad_that_says_it_is_a_mac_has_the_screen_of_an_ipad() -> None:
    mac = parse(MAC + "Version/17.4 Safari/605.1.15")
    assert mac == Agent("Safari", "17", "Mac OS X", "10.15", "desktop")
    for screen in ("820x1180", "1024x1366", "744x1133"):
        assert on_screen(mac, screen) == Agent("Safari", "17", "iOS", "", "tablet")
    for screen in ("", "1440x900", "1024x768", "1366x1024", "1080x1920", "nonsense"):
        assert on_screen(mac, screen) == mac
    windows = parse(WINDOWS + "Chrome/126.0.0.0 Safari/537.36")
    assert on_screen(windows, "820x1180") == windows


def test_our_table_is_sound() -> None:
    lines = (Path(user_agents.__file__).parent / "data/agents.csv").read_text().splitlines()
    rows = list(csv.reader(line for line in lines if not line.startswith("#")))
    assert {len(row) for row in rows} == {3}
    assert {row[0] for row in rows[1:]} == {"browser", "os", "device", "family"}
    assert {row[1] for row in rows[1:] if row[0] == "device"} <= set(DEVICES)
    for what, name, _ in rows[1:]:
        assert what != "browser" or user_agents._own().families.get(name, name) == name


def test_phones_are_not_televisions(shared_data: Path) -> None:
    """Of over 5,000 user agents that say "Android … Mobile Safari" none is a television or a desktop."""
    cases = yaml.load((shared_data / "ua/test_device.yaml").read_text(), Loader=yaml.CSafeLoader)["test_cases"]
    phones = [
        case["user_agent_string"] for case in cases if re.search("Android.*Mobile Safari", case["user_agent_string"])
    ]
    wrong = [ua for ua in phones if parse(ua).device not in ("mobile", "tablet")]
    assert len(phones) > 5_000
    assert wrong == []


@pytest.mark.parametrize(("file", "field"), [("test_ua", "browser"), ("test_os", "os"), ("additional_os_tests", "os")])
def test_agrees_with_the_truth(shared_data: Path, file: str, field: str) -> None:
    cases = yaml.load((shared_data / "ua" / f"{file}.yaml").read_text(), Loader=yaml.CSafeLoader)["test_cases"]
    wrong = {
        (_expected(case, field), _read(case, field)) for case in cases if _read(case, field) != _expected(case, field)
    }
    assert wrong == set()


def _read(case: dict[str, str], field: str) -> tuple[str, str]:
    agent = parse(case["user_agent_string"])
    return (agent.browser, agent.browser_version) if field == "browser" else (agent.os, agent.os_version)


def _expected(case: dict[str, str], field: str) -> tuple[str, str]:
    if case["family"] == "Other":
        return "", ""
    major, minor = case.get("major") or "", case.get("minor") or ""
    family = user_agents._own().families.get(case["family"], case["family"])
    return family, f"{major}.{minor}" if field == "os" and major and minor else major


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
