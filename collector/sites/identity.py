"""How visitors of a site are known."""

from __future__ import annotations

from enum import StrEnum


class Identity(StrEnum):
    """``cookieless``: a hash that changes every day. ``first-party``: an id that the visitor's browser keeps."""

    COOKIELESS = "cookieless"
    FIRST_PARTY = "first-party"

    @classmethod
    def _missing_(cls, value: object) -> Identity | None:
        """What registry files of earlier versions call it."""
        return cls.FIRST_PARTY if value == "client-id" else None
