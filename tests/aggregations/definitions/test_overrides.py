"""Overrides: what can be one, what it is called, how it is kept."""

from __future__ import annotations

import pytest

from aggregations.definitions.overrides import MAX_DERIVED_NAME, OVERRIDE, OverrideBody, name_of
from aggregations.reports.detected import Detected
from sql.core.errors import UsageError


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (OverrideBody("Contact", selector="#a"), "not a kind: 'Contact'"),
        (OverrideBody(selector="#a"), "an override needs a kind"),
        (OverrideBody("contact"), "no criteria given"),
        (OverrideBody("contact", Detected.CLICK), "no criteria given"),
    ],
)
def test_what_is_not_an_override(body, says):
    with pytest.raises(UsageError, match=says):
        OVERRIDE.check(body)


@pytest.mark.parametrize("event", ["page_view", "", 1])
def test_only_what_the_tracker_detects_is_corrected(event):
    with pytest.raises(UsageError, match=r"not an override .*\$\.event"):
        OVERRIDE.decode(f'{{"kind": "contact", "text": "x", "event": {event!r}}}'.replace("'", '"'))


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (OverrideBody("contact", selector="a.call-us"), "selector 'a.call-us' is contact"),
        (OverrideBody("none", Detected.CLICK, text=""), "event 'click', text '' is none"),
        (OverrideBody("share", rule="r", text='Tell\n"us" 日本'), "rule 'r', text 'Tell\\n\"us\" 日本' is share"),
    ],
)
def test_an_override_in_a_line(body, shown):
    assert OVERRIDE.shown(body) == shown
    assert OVERRIDE.decode(OVERRIDE.encode(body)) == body


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (OverrideBody("contact", selector="a.call-us"), "a-call-us"),
        (OverrideBody("none", Detected.CLICK, text="Join the discussion"), "click-join-the-discussion"),
        (OverrideBody("none", rule="text-contact", selector="form > b\n\\c"), "text-contact-form-b-c"),
        (OverrideBody("none", text="Ähnliche 日本語 🎉"), "ähnliche-日本語"),
        (OverrideBody("none", text=""), "without-text"),
        (OverrideBody("none", text="🎉"), "without-text"),
        (OverrideBody("none", text="12"), "12"),
        (OverrideBody("none", selector="div > " * 5_000), "div-div-div-div-div-div-div-div-div-div"),
    ],
)
def test_it_is_called_after_its_criteria(body, name):
    assert name_of(body, {}) == name
    assert len(name) <= MAX_DERIVED_NAME
    other = OverrideBody("share", selector="another")
    assert name_of(body, {name: other, f"{name}-2": other}) == f"{name}-3"
    assert name_of(body, {name: other, f"{name}-2": body}) == f"{name}-2"
