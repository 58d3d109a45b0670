"""Channel groups: GA4's default groups, the first rule that holds decides.

Rules: support.google.com/analytics/answer/9756891. Added: paid click ids, AI assistants, and Referral for any
referrer that no other rule knows. A source whose own word is one for ads ("facebook-ads") is paid whatever its medium
says, and a newsletter is mail by any spelling.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from collector.cache import MIB, remembers
from collector.enrich.sources import is_mail

PAID_MEDIUM = re.compile(r"^(.*cp.*|ppc|retargeting|paid.*)$")
SHOP_CAMPAIGN = re.compile(r"^(.*(([^a-df-z]|^)shop|shopping).*)$")
VIDEO_MEDIUM = re.compile(r"^(.*video.*)$")

NO_MEDIUM = frozenset({"", "(none)", "(not set)"})
DISPLAY_MEDIA = frozenset({"display", "banner", "expandable", "interstitial", "cpm"})
SOCIAL_MEDIA = frozenset({"social", "social-network", "social-media", "sm", "social network", "social media"})
REFERRAL_MEDIA = frozenset({"referral", "app", "link"})
EMAIL_WORDS = frozenset({"email", "e-mail", "e_mail", "e mail"})

# Click ids that an advertiser paid for, and the kind of source behind them. fbclid, igshid, mc_cid and _kx
# stand on links that nobody paid for; irclickid, irclicid and cjevent are affiliates', whose medium says so.
PAID_CLICK_IDS = {
    "gclid": "search", "gbraid": "search", "wbraid": "search", "gclsrc": "search", "gad_source": "search",
    "gad_campaignid": "search", "msclkid": "search", "yclid": "search", "dclid": "display",
    "twclid": "social", "li_fat_id": "social", "ttclid": "social", "rdt_cid": "social", "epik": "social",
    "sccid": "social", "qclid": "social",
}  # fmt: skip
DIRECT = "Direct"


class Traffic(NamedTuple):
    """What the rules look at, in lower case. ``kind`` as in sources.Source, or that of a paid click id."""

    source: str
    medium: str
    campaign: str
    kind: str
    paid: bool


def _direct(t: Traffic) -> bool:
    return t.kind == "direct" and t.medium in NO_MEDIUM and not t.campaign


def _shopping(t: Traffic) -> bool:
    return t.kind == "shopping" or SHOP_CAMPAIGN.match(t.campaign) is not None


def _mobile_push(t: Traffic) -> bool:
    return t.medium.endswith("push") or "mobile" in t.medium or "notification" in t.medium or t.source == "firebase"


RULES: tuple[tuple[str, Callable[[Traffic], bool]], ...] = (
    ("Direct", _direct),
    ("Cross-network", lambda t: "cross-network" in t.campaign),
    ("Paid Shopping", lambda t: t.paid and _shopping(t)),
    ("Paid Search", lambda t: t.paid and t.kind == "search"),
    ("Paid Social", lambda t: t.paid and t.kind == "social"),
    ("Paid Video", lambda t: t.paid and t.kind == "video"),
    ("Display", lambda t: t.medium in DISPLAY_MEDIA or (t.kind == "display" and t.paid)),
    ("Paid Other", lambda t: t.paid),
    ("Organic Shopping", _shopping),
    ("Organic Social", lambda t: t.kind == "social" or t.medium in SOCIAL_MEDIA),
    ("Organic Video", lambda t: t.kind == "video" or VIDEO_MEDIUM.match(t.medium) is not None),
    ("AI Assistants", lambda t: t.kind == "ai"),
    ("Organic Search", lambda t: t.kind == "search" or t.medium == "organic"),
    ("Referral", lambda t: t.medium in REFERRAL_MEDIA),
    ("Email", lambda t: t.kind == "email" or t.source in EMAIL_WORDS or t.medium in EMAIL_WORDS or is_mail(t.medium)),
    ("Affiliates", lambda t: t.medium == "affiliate"),
    ("Audio", lambda t: t.medium == "audio"),
    ("SMS", lambda t: "sms" in (t.source, t.medium)),
    ("Mobile Push Notifications", _mobile_push),
    ("Referral", lambda t: t.kind in ("referral", "display")),
    ("Unassigned", lambda t: True),
)
CHANNELS = tuple(dict.fromkeys(name for name, _ in RULES))


@remembers(4 * MIB)
def channel_of(source: str, medium: str, campaign: str, click_id_kind: str, kind: str, advertised: bool = False) -> str:
    """The channel of a visit, one of CHANNELS.

    ``source`` and ``kind`` are those of sources.Source, ``medium`` and ``campaign`` the utm parameters,
    ``click_id_kind`` that of urls.Page, ``advertised`` that the source's word says so (sources.Source.paid).
    """
    medium = medium.strip().lower()
    kind = kind or ("direct" if source.lower() in ("", "direct", "(direct)") else "")
    paid = PAID_MEDIUM.match(medium) is not None
    network = PAID_CLICK_IDS.get(click_id_kind, "")
    # Ad networks put the same click id on banners as on searches: a medium that says so is believed.
    if (network or advertised) and medium not in DISPLAY_MEDIA:
        paid = True
        if network and kind in ("", "direct", "referral"):
            kind = network
    traffic = Traffic(source.strip().lower(), medium, campaign.strip().lower(), kind, paid)
    return next(name for name, holds in RULES if holds(traffic))
