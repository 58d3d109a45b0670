"""Whose rows may leave: what visitors said last of ads, and whether their browser sends Sec-GPC."""

from __future__ import annotations

from enum import StrEnum

from aggregations.query.reader import Reader
from sql.core.queries import query

# Consent states that audiences and rows for others rest on.
STATES = ("ad_user_data", "ad_personalization")


class Consent(StrEnum):
    """Whose rows go out: everybody's, those of all who did not deny it, those of all who granted it."""

    ANY = "any"
    NOT_DENIED = "not-denied"
    REQUIRED = "required"


def denied(consent: str) -> str:
    """Whether a text of SQL, states such as `ad_user_data=denied,…`, denies one of STATES."""
    return f"hasAny(splitByChar(',', {consent}), {_all('denied')})"


def granted(consent: str) -> str:
    """Whether it grants all of them."""
    return f"hasAll(splitByChar(',', {consent}), {_all('granted')})"


def refusing(reader: Reader, rule: Consent) -> str:
    """Visitors of persons who are left out by a rule, as a text of SQL with the column visitor_id."""
    refused = denied("consent") if rule is Consent.NOT_DENIED else f"not {granted('consent')}"
    reader.binder.values["site"] = reader.site_id
    told = query("exports/told")
    return f"select arrayJoin(visitors) as visitor_id from (\n{told}\n) where gpc or {refused}"  # noqa: S608 (ours)


def _all(state: str) -> str:
    return "[" + ", ".join(f"'{name}={state}'" for name in STATES) + "]"
