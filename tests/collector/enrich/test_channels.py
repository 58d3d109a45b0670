"""Channels: each rule, and the traps between them."""

from __future__ import annotations

import pytest

from collector.enrich.channels import CHANNELS, PAID_CLICK_IDS, channel_of
from collector.enrich.sources import source_of
from collector.event.urls import CLICK_IDS, referrer, split

CASES = [
    # source, medium, campaign, click id, kind, channel
    ("Direct", "", "", "", "direct", "Direct"),
    ("Direct", "(none)", "", "", "direct", "Direct"),
    ("(direct)", "(not set)", "", "", "", "Direct"),
    ("", "", "", "", "", "Direct"),
    ("Google", "cpc", "my cross-network push", "", "search", "Cross-network"),
    ("Amazon", "cpc", "", "", "shopping", "Paid Shopping"),
    ("Google", "cpc", "Shopping 2026", "", "search", "Paid Shopping"),
    ("Google", "cpc", "eshop", "", "search", "Paid Shopping"),
    ("Google", "cpc", "workshop", "", "search", "Paid Search"),
    ("Google", "cpc", "", "", "search", "Paid Search"),
    ("Google", "CPC", "", "", "search", "Paid Search"),
    ("Google", "cpm", "", "", "search", "Paid Search"),
    ("Google", "ppc", "", "", "search", "Paid Search"),
    ("Google", "paidsearch", "", "", "search", "Paid Search"),
    ("Google", "", "", "gclid", "search", "Paid Search"),
    ("Google", "organic", "", "gclid", "search", "Paid Search"),
    ("Bing", "", "", "msclkid", "search", "Paid Search"),
    ("Direct", "", "", "gclid", "direct", "Paid Search"),
    ("Facebook", "paid", "", "", "social", "Paid Social"),
    ("Facebook", "retargeting", "", "", "social", "Paid Social"),
    ("TikTok", "", "", "ttclid", "social", "Paid Social"),
    ("Direct", "", "", "li_fat_id", "direct", "Paid Social"),
    ("YouTube", "cpv", "", "", "video", "Paid Video"),
    ("YouTube", "cpc", "", "", "video", "Paid Video"),
    ("YouTube", "cpm", "", "", "video", "Paid Video"),
    ("adnetwork", "cpm", "", "", "", "Display"),
    ("adnetwork", "display", "", "", "", "Display"),
    ("Google", "banner", "", "gclid", "search", "Display"),
    ("adnetwork", "", "", "dclid", "", "Display"),
    ("adnetwork", "cpa", "", "", "", "Paid Other"),
    ("adnetwork", "cpc", "", "", "", "Paid Other"),
    ("adnetwork", "xcpx", "", "", "", "Paid Other"),
    ("ChatGPT", "cpc", "", "", "ai", "Paid Other"),
    ("eBay", "", "", "", "shopping", "Organic Shopping"),
    ("friend", "link", "shop", "", "", "Organic Shopping"),
    ("Facebook", "", "", "fbclid", "social", "Organic Social"),
    ("Facebook", "referral", "", "", "social", "Organic Social"),
    ("buffer", "social media", "", "", "", "Organic Social"),
    ("buffer", "sm", "", "", "", "Organic Social"),
    ("YouTube", "", "", "", "video", "Organic Video"),
    ("partner", "onlinevideo", "", "", "", "Organic Video"),
    ("ChatGPT", "", "", "", "ai", "AI Assistants"),
    ("ChatGPT", "referral", "", "", "ai", "AI Assistants"),
    ("Google", "", "", "", "search", "Organic Search"),
    ("searcher", "organic", "", "", "", "Organic Search"),
    ("partner", "referral", "", "", "", "Referral"),
    ("partner", "app", "", "", "", "Referral"),
    ("blog.example.org", "", "", "", "referral", "Referral"),
    ("blog.example.org", "strange", "", "", "referral", "Referral"),
    ("newsletter", "email", "", "", "", "Email"),
    ("e-mail", "", "", "", "", "Email"),
    ("list", "e_mail", "", "mc_cid", "", "Email"),
    ("Gmail", "", "", "", "email", "Email"),
    ("partner", "affiliate", "", "", "", "Affiliates"),
    ("partner", "affiliate", "", "irclickid", "referral", "Affiliates"),
    ("podcast", "audio", "", "", "", "Audio"),
    ("sms", "", "", "", "", "SMS"),
    ("twilio", "sms", "", "", "", "SMS"),
    ("app", "web-push", "", "", "", "Mobile Push Notifications"),
    ("app", "mobile-thing", "", "", "", "Mobile Push Notifications"),
    ("app", "notification", "", "", "", "Mobile Push Notifications"),
    ("firebase", "", "", "", "", "Mobile Push Notifications"),
    ("partner", "", "", "", "", "Unassigned"),
    ("partner", "something", "", "", "", "Unassigned"),
    ("Direct", "something", "", "", "direct", "Unassigned"),
]


@pytest.mark.parametrize(
    ("source", "medium", "campaign", "click_id_kind", "kind", "channel"),
    CASES,
    ids=[" ".join(filter(None, case[:4])) or "nothing" for case in CASES],
)
def test_channel(source: str, medium: str, campaign: str, click_id_kind: str, kind: str, channel: str) -> None:
    assert channel_of(source, medium, campaign, click_id_kind, kind) == channel


def test_every_channel_has_a_case() -> None:
    assert {case[-1] for case in CASES} == set(CHANNELS)


def test_paid_click_ids_are_click_ids() -> None:
    assert set(PAID_CLICK_IDS) <= set(CLICK_IDS)


@pytest.mark.parametrize(
    ("url", "came_from", "channel"),
    [
        ("https://example.com/", "", "Direct"),
        ("https://example.com/", "https://example.com/a", "Direct"),
        ("https://example.com/", "https://www.google.de/", "Organic Search"),
        ("https://example.com/?gclid=x", "https://www.google.de/", "Paid Search"),
        ("https://example.com/?gclid=x", "", "Paid Search"),
        ("https://example.com/?utm_source=google&utm_medium=cpc&utm_campaign=a", "", "Paid Search"),
        ("https://example.com/?fbclid=x", "https://l.facebook.com/", "Organic Social"),
        ("https://example.com/?utm_source=ig&utm_medium=paid_social", "", "Paid Social"),
        ("https://example.com/?utm_source=chatgpt.com", "", "AI Assistants"),
        ("https://example.com/?utm_source=newsletter", "", "Email"),
        ("https://example.com/?utm_source=Newsletter_2024-05", "", "Email"),
        ("https://example.com/?utm_source=may&utm_medium=news-letter", "", "Email"),
        ("https://example.com/?utm_source=facebook-ads", "", "Paid Social"),
        ("https://example.com/?utm_source=fb_ad&utm_medium=social", "", "Paid Social"),
        ("https://example.com/?utm_source=google_ads", "", "Paid Search"),
        ("https://example.com/?utm_source=adwords&utm_medium=display", "", "Display"),
        ("https://example.com/?utm_source=yt-ads", "", "Paid Video"),
        ("https://example.com/?utm_source=amazon-ads", "", "Paid Shopping"),
        ("https://example.com/?utm_source=print-ad", "", "Paid Other"),
        ("https://example.com/?utm_source=taboola", "", "Display"),
        ("https://example.com/?gclid=x", "https://googleads.g.doubleclick.net/pagead", "Display"),
        ("https://example.com/?gclid=x", "https://tpc.googlesyndication.com/", "Display"),
        ("https://example.com/", "https://googleads.g.doubleclick.net/pagead", "Referral"),
        ("https://example.com/", "https://linktr.ee/shop", "Organic Social"),
        ("https://example.com/", "https://poczta.wp.pl/", "Email"),
        ("https://example.com/", "https://mail.google.com/", "Email"),
        ("https://example.com/?ref=friend", "", "Referral"),
        ("https://example.com/", "https://blog.example.org/", "Referral"),
        ("https://example.com/?utm_source=partner", "", "Unassigned"),
        ("https://example.com/", "android-app://com.google.android.googlequicksearchbox/", "Organic Search"),
    ],
)
def test_the_whole_way(url: str, came_from: str, channel: str) -> None:
    page = split(url)
    source = source_of(page.utm_source, page.source or page.ref, referrer(came_from, page.hostname)[0])
    found = channel_of(source.name, page.utm_medium, page.utm_campaign, page.click_id_kind, source.kind, source.paid)
    assert found == channel
