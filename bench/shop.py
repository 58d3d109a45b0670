"""The made-up shop behind ``bench.traffic``: pages, browsers, where visits come from, bots."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import accumulate
from urllib.parse import urlencode

# How busy an hour of the day is (local), and a weekday from Monday.
HOURS = (8, 5, 3, 2, 2, 4, 9, 18, 28, 36, 42, 45, 47, 44, 43, 42, 43, 46, 52, 60, 63, 52, 34, 17)
WEEKDAYS = (1.08, 1.05, 1.02, 1.0, 0.9, 0.82, 1.13)

_GOODS = {
    "coffee": "espresso-blend house-filter decaf-colombia ethiopia-guji kenya-aa brazil-santos cold-brew",
    "tea": "earl-grey sencha rooibos assam peppermint jasmine-pearls chai",
    "grinders": "hand-grinder flat-burr conical-burr travel-grinder",
    "brewers": "pour-over french-press moka-pot aeropress siphon cold-drip",
    "cups": "double-wall stoneware-mug espresso-cup travel-mug glass-set",
    "gifts": "starter-set tasting-box gift-card subscription",
}
_STORIES = (
    "how-to-brew-pour-over water-temperature grind-size-guide storing-beans what-is-a-flat-white "
    "cleaning-a-moka-pot tea-steeping-times direct-trade-explained winter-drinks latte-art-first-steps "
    "cold-brew-at-home choosing-a-grinder roast-levels our-year"
)


class Pages:
    """Pages by how often they are wanted; the n-th is wanted 1/n as often as the first (Zipf)."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths
        self._weights = list(accumulate(1 / rank for rank in range(1, len(paths) + 1)))

    def pick(self, rng: random.Random) -> str:
        """A page by its rank."""
        return rng.choices(self.paths, cum_weights=self._weights)[0]

    def next(self, rng: random.Random, path: str) -> str:
        """A page to go on to from ``path``."""
        while True:
            found = self.pick(rng)
            if found != path:
                return found


def _all_pages() -> list[str]:
    rng = random.Random("order of the shelf")
    shelf = [f"/{kind}/{name}" for kind, names in _GOODS.items() for name in names.split()]
    rest = [
        *shelf,
        *(f"/blog/{name}" for name in _STORIES.split()),
        "/about",
        "/contact",
        "/delivery",
        "/returns",
    ]
    rng.shuffle(rest)
    first = [
        "/",
        "/coffee/",
        "/sale",
        "/brewers/",
        "/blog/",
        "/tea/",
        "/search",
        "/grinders/",
        "/cups/",
        "/gifts/",
    ]
    return first + rest


PAGES = Pages(_all_pages())
PRICES = {
    f"/{kind}/{name}": f"{5 + (len(kind) * 7 + len(name) * 11) % 90}.90"
    for kind, names in _GOODS.items()
    for name in names.split()
}
CHECKOUT = ("/cart", "/checkout/address", "/checkout/payment", "/checkout/thanks")
# What a browser fetches beside a page, the style sheet first.
ASSETS = (
    "/assets/shop-5d1c9e.css",
    "/assets/shop-71ab02.js",
    "/assets/inter-latin.woff2",
    "/images/logo.svg",
    "/favicon.ico",
)
# Where links of the old shop still point.
MOVED = {"/coffee/": "/products/coffee.php", "/": "/index.html", "/blog/": "/news"}
LOST = ("/apple-touch-icon-precomposed.png", "/coffee/summer-blend-2019", "/products/17", "/blog/undefined")
# How far down a page people read, in percent.
LISTS = {"depth": (12, 20, 25, 25, 30, 40, 50, 50, 60, 75, 80, 90, 100, 100)}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a visit comes from: how often for new and for returning visitors, with what in the URL."""

    weight: float
    returning: float
    referrer: str = ""
    landing: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    click_id: str = ""

    def query(self, rng: random.Random) -> str:
        """The landing page's query, with a click id of its own; empty where the source adds none."""
        words = dict(self.tags)
        if self.click_id:
            words[self.click_id] = f"{rng.getrandbits(256):064x}"
        return f"?{urlencode(words)}" if words else ""


def _utm(source: str, medium: str, campaign: str, **more: str) -> tuple[tuple[str, str], ...]:
    return ("utm_source", source), ("utm_medium", medium), ("utm_campaign", campaign), *more.items()


_GOOGLE = "https://www.google.com/"
_SPRING, _BRAND = "autumn-sale", "brand"
SOURCES = (
    Source(22, 48),
    Source(24, 14, _GOOGLE),
    Source(3, 2, "https://www.bing.com/"),
    Source(2, 2, "https://duckduckgo.com/"),
    Source(1, 1, "https://www.ecosia.org/"),
    Source(6, 2, _GOOGLE, "/sale", _utm("google", "cpc", _SPRING, utm_term="coffee beans"), "gclid"),
    Source(3, 3, _GOOGLE, "/", _utm("google", "cpc", _BRAND), "gclid"),
    Source(2, 1, "https://www.bing.com/", "/coffee/", _utm("bing", "cpc", _SPRING), "msclkid"),
    Source(5, 2, "https://l.facebook.com/", "/sale", _utm("facebook", "paid_social", _SPRING), "fbclid"),
    Source(2, 1, "https://l.instagram.com/", "/gifts/", _utm("instagram", "paid_social", "gifts"), "fbclid"),
    Source(3, 12, "", "/blog/winter-drinks", _utm("newsletter", "email", "2026-week-40")),
    Source(2, 1, "https://coupons.example/", "/sale", _utm("coupons", "affiliate", "partners")),
    Source(2, 1, "https://t.co/xY7kPq2LmN"),
    Source(3, 1, "https://www.reddit.com/", "/blog/grind-size-guide"),
    Source(1, 1, "https://news.ycombinator.com/", "/blog/water-temperature"),
    Source(2, 1, "https://www.youtube.com/", "/brewers/pour-over"),
    Source(1, 1, "https://www.pinterest.com/"),
    Source(3, 2, "https://chatgpt.com/", "/blog/choosing-a-grinder", (("utm_source", "chatgpt.com"),)),
    Source(1, 1, "https://www.perplexity.ai/", "/blog/storing-beans"),
    Source(1, 1, "https://claude.ai/", "/blog/roast-levels"),
    Source(1, 1, "https://gemini.google.com/", "/blog/tea-steeping-times"),
    Source(3, 2, "https://coffee-forum.example/threads/4711", "/grinders/hand-grinder"),
    Source(2, 1, "https://kitchen-tests.example/best-moka-pots?page=2", "/brewers/moka-pot"),
)


@dataclass(frozen=True, slots=True)
class Agent:
    """A browser as it names itself, how common it is, its screen and language."""

    text: str
    weight: float
    screen: str
    language: str


_KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_WINDOWS_NT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64"
_WINDOWS = f"{_WINDOWS_NT}) {_KHTML}"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_LINUX = f"Mozilla/5.0 (X11; Linux x86_64) {_KHTML}"
_CROS = f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {_KHTML}"
_ANDROID = f"Mozilla/5.0 (Linux; Android 10; K) {_KHTML}"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X)"
_OLD_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6_1 like Mac OS X)"
_IPAD = "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X)"


def _agents() -> tuple[Agent, ...]:
    rows = (
        (f"{_WINDOWS} Chrome/154.0.0.0 Safari/537.36", 16, "1920x1080", "de-DE"),
        (f"{_WINDOWS} Chrome/153.0.0.0 Safari/537.36", 6, "1536x864", "en-GB"),
        (f"{_WINDOWS} Chrome/149.0.0.0 Safari/537.36", 2, "1366x768", "pl-PL"),
        (f"{_WINDOWS} Chrome/154.0.0.0 Safari/537.36 Edg/154.0.0.0", 6, "1920x1080", "de-DE"),
        (f"{_WINDOWS} Chrome/153.0.0.0 Safari/537.36 Edg/153.0.0.0", 2, "2560x1440", "en-US"),
        (f"{_WINDOWS} Chrome/152.0.0.0 Safari/537.36 OPR/136.0.0.0", 1.5, "1920x1080", "de-AT"),
        (f"{_WINDOWS_NT}; rv:157.0) Gecko/20100101 Firefox/157.0", 4, "1920x1200", "de-DE"),
        (f"{_WINDOWS_NT}; rv:140.0) Gecko/20100101 Firefox/140.0", 1, "1280x1024", "fr-FR"),
        (f"{_MAC} {_KHTML} Chrome/154.0.0.0 Safari/537.36", 5, "1728x1117", "en-US"),
        (f"{_MAC} {_KHTML} Chrome/153.0.0.0 Safari/537.36", 2, "1440x900", "de-DE"),
        (f"{_MAC} {_WEBKIT} Version/26.1 Safari/605.1.15", 5, "1512x982", "de-DE"),
        (f"{_MAC} {_WEBKIT} Version/18.6 Safari/605.1.15", 2, "1440x900", "nl-NL"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:157.0) Gecko/20100101 Firefox/157.0",
            1,
            "1680x1050",
            "en-GB",
        ),
        (f"{_LINUX} Chrome/154.0.0.0 Safari/537.36", 1.5, "2560x1440", "en-US"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:157.0) Gecko/20100101 Firefox/157.0", 1.2, "1920x1080", "de-DE"),
        (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:156.0) Gecko/20100101 Firefox/156.0",
            0.6,
            "1920x1080",
            "it-IT",
        ),
        (f"{_CROS} Chrome/153.0.0.0 Safari/537.36", 0.6, "1366x768", "en-US"),
        (f"{_ANDROID} Chrome/154.0.0.0 Mobile Safari/537.36", 15, "412x915", "de-DE"),
        (f"{_ANDROID} Chrome/153.0.0.0 Mobile Safari/537.36", 6, "360x800", "en-GB"),
        (f"{_ANDROID} Chrome/148.0.0.0 Mobile Safari/537.36", 2, "393x873", "es-ES"),
        (f"{_ANDROID} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36", 3, "384x854", "de-DE"),
        (f"{_ANDROID} Chrome/152.0.0.0 Mobile Safari/537.36 EdgA/152.0.0.0", 0.5, "412x892", "de-DE"),
        ("Mozilla/5.0 (Android 15; Mobile; rv:157.0) Gecko/157.0 Firefox/157.0", 0.8, "412x915", "de-DE"),
        (f"{_IPHONE} {_WEBKIT} Version/26.1 Mobile/15E148 Safari/604.1", 13, "393x852", "de-DE"),
        (f"{_IPHONE} {_WEBKIT} Version/26.0 Mobile/15E148 Safari/604.1", 4, "430x932", "en-US"),
        (f"{_OLD_IPHONE} {_WEBKIT} Version/17.6 Mobile/15E148 Safari/604.1", 2, "390x844", "fr-FR"),
        (f"{_IPHONE} {_WEBKIT} CriOS/154.0.7012.52 Mobile/15E148 Safari/604.1", 2, "402x874", "de-DE"),
        (f"{_IPHONE} {_WEBKIT} FxiOS/157.0 Mobile/15E148 Safari/605.1.15", 0.5, "390x844", "en-GB"),
        (f"{_IPAD} {_WEBKIT} Version/26.1 Mobile/15E148 Safari/604.1", 1.5, "820x1180", "de-DE"),
        (f"{_IPAD} {_WEBKIT} CriOS/154.0.7012.52 Mobile/15E148 Safari/604.1", 0.4, "1024x1366", "de-CH"),
        (
            f"Mozilla/5.0 (Linux; Android 14; SM-X710) {_KHTML} Chrome/153.0.0.0 Safari/537.36",
            0.8,
            "800x1280",
            "de-DE",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 13; Lenovo TB-J616F) {_KHTML} Chrome/150.0.0.0 Safari/537.36",
            0.3,
            "1200x2000",
            "pl-PL",
        ),
    )
    return tuple(Agent(*row) for row in rows)


AGENTS = _agents()
_CRAWLER = f"Mozilla/5.0 {_KHTML[:-1]}; compatible"
BOTS = (
    f"{_CRAWLER}; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/154.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    f"{_CRAWLER}; GPTBot/1.3; +https://openai.com/gptbot)",
    f"{_CRAWLER}; ClaudeBot/1.0; +claudebot@anthropic.com)",
    f"{_CRAWLER}; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
)
UPTIME = "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"
# What scanners try, with the server's answer; the last ones are no HTTP at all.
PROBES = (
    ("GET /.env HTTP/1.1", "404 548", "python-requests/2.32.5"),
    ("GET /wp-login.php HTTP/1.1", "404 548", "Mozilla/5.0 zgrab/0.x"),
    ("POST /xmlrpc.php HTTP/1.1", "405 150", "Go-http-client/1.1"),
    ("GET /.git/config HTTP/1.1", "403 146", "curl/8.14.1"),
    ("GET http://azenv.example/ HTTP/1.1", "400 150", "-"),
    (r"\x16\x03\x01\x00\xEE\x01\x00\x00\xEA\x03\x03", "400 150", "-"),
    ("-", "408 0", "-"),
)
