"""What ad platforms take as a list of customers. A rule of theirs that changes is a line here.

Where a rule is from: [P] the platform's own text, [S] somebody else's, [?] not verified.

| Platform | Rules |
|---|---|
| google-ads | [P] support.google.com/google-ads/answer/7659867 (columns, hashing), answer/7476585 (100 active users), |
| | answer/14546648 (`ad_user_data` and `ad_personalization` granted; the file has no column for it) |
| meta | [P] facebook.com/business/help/2082575038703844 (100 people, country code); [S] header |
| tiktok | [P] ads.tiktok.com/help, list of supported ids (headers, each at most 3 times, `+tag` goes, 1,000 |
| | entries, under 1 GB); its two pages disagree on `+` before a phone: with it, as the hashed example has |
| linkedin | [P] linkedin.com/help/lms/answer/a1489764 (e-mail as SHA-256, 300 rows, 20 MB or 300,000 |
| | records); [S] header |
| microsoft | [P] help.ads.microsoft.com 56921 (e-mail); [?] header |
| pinterest | [P] API CustomerListRequest (e-mail as SHA-256, lower case before; 100 accounts); [?] a file of |
| | one per line |
| x | [P] business.x.com custom audiences (SHA-256, unsalted, lower-case hex; 100 matched); [?] one per line, |
| | no header |
| generic | every form that is kept, for a program of your own |

Forms are those of collector/event/contact.py; with `.plain`, the text, which is there only where the site keeps texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aggregations.exports.consent import Consent
from sql.core.errors import UsageError

MB = 1_000_000


class Platform(StrEnum):
    """Where an audience goes."""

    GOOGLE = "google-ads"
    META = "meta"
    TIKTOK = "tiktok"
    LINKEDIN = "linkedin"
    MICROSOFT = "microsoft"
    PINTEREST = "pinterest"
    X = "x"
    GENERIC = "generic"


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its header, and the form that it has; without a form it is empty.

    ``key``: by it a person is found, so a row without any is not written. ``free``: it has text as people wrote it.
    ``times``: how often the header comes, for further values of a person.
    """

    header: str
    form: str = ""
    key: bool = False
    free: bool = False
    upper: bool = False
    times: int = 1


@dataclass(frozen=True, slots=True)
class Audience:
    """One platform's list: columns, limits (0: none is known) and the consent it takes.

    ``together`` are headers that are written only where a row has all of them.
    """

    fields: tuple[Field, ...]
    min_people: int = 0
    max_rows: int = 0
    max_bytes: int = 0
    consent: Consent = Consent.NOT_DENIED
    header: bool = True
    together: frozenset[str] = field(default_factory=frozenset)

    @property
    def headers(self) -> tuple[str, ...]:
        """The first line of a file."""
        return tuple(each.header for each in self.fields for _ in range(each.times))


def find(name: str) -> Audience:
    """The list of a platform. Raises UsageError."""
    try:
        return AUDIENCES[Platform(name)]
    except ValueError:
        raise UsageError(f"no platform {name!r}", f"one of {', '.join(Platform)}") from None


def _empty(*headers: str) -> tuple[Field, ...]:
    return tuple(map(Field, headers))


AUDIENCES: Mapping[Platform, Audience] = {
    Platform.GOOGLE: Audience(
        (
            Field("Email", "email_google", key=True),
            Field("Phone", "phone_e164", key=True),
            Field("First Name", "first_name_google", key=True),
            Field("Last Name", "last_name_google"),
            Field("Country", "country", upper=True),
            Field("Zip", "zip.plain", free=True),
        ),
        min_people=100,
        consent=Consent.REQUIRED,
        together=frozenset({"First Name", "Last Name", "Country", "Zip"}),
    ),
    Platform.META: Audience(
        (
            Field("email", "email", key=True, times=3),
            Field("phone", "phone", key=True, times=3),
            *_empty("madid"),
            Field("fn", "first_name"),
            Field("ln", "last_name"),
            Field("zip", "zip"),
            Field("ct", "city"),
            *_empty("st"),
            Field("country", "country"),
            *_empty("dob", "doby", "gen", "age", "uid", "value"),
        ),
        min_people=100,
    ),
    Platform.TIKTOK: Audience(
        (
            Field("Email_SHA256", "email_tiktok", key=True, times=3),
            Field("Phone_SHA256", "phone_e164", key=True, times=3),
        ),
        min_people=1_000,
        max_bytes=1_000 * MB,
    ),
    Platform.LINKEDIN: Audience(
        (
            Field("email", "email", key=True),
            Field("firstname", "first_name.plain", free=True),
            Field("lastname", "last_name.plain", free=True),
            *_empty("jobtitle", "employeecompany"),
            Field("country", "country", upper=True),
            *_empty("googleaid"),
        ),
        min_people=300,
        max_rows=300_000,
        max_bytes=20 * MB,
    ),
    Platform.MICROSOFT: Audience((Field("Email", "email", key=True),)),
    Platform.PINTEREST: Audience((Field("email", "email", key=True),), min_people=100, header=False),
    Platform.X: Audience((Field("email", "email", key=True),), min_people=100, header=False),
    Platform.GENERIC: Audience(
        (
            Field("email_sha256", "email", key=True),
            Field("email", "email.plain", key=True, free=True),
            Field("phone_sha256", "phone", key=True),
            Field("phone_e164_sha256", "phone_e164"),
            Field("phone", "phone.plain", key=True),
            Field("first_name_sha256", "first_name"),
            Field("first_name", "first_name.plain", free=True),
            Field("last_name_sha256", "last_name"),
            Field("last_name", "last_name.plain", free=True),
            Field("city_sha256", "city"),
            Field("city", "city.plain", free=True),
            Field("zip_sha256", "zip"),
            Field("zip", "zip.plain", free=True),
            Field("country", "country"),
        )
    ),
}
