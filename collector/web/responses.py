"""What the collector answers: an outcome, or a problem; both JSON."""

from __future__ import annotations

import falcon
import falcon.asgi
import msgspec

from collector.ingest.pipeline import Drop, Outcomes

JSON = "application/json"
# When to come again after a full or failing spool.
FULL_SECONDS = 5


class Answer(msgspec.Struct, omit_defaults=True):
    """What a request with events is answered: how many are accepted, how many were there before, and which are not
    accepted, each with its reason. ``warnings`` are of events that are accepted all the same."""

    accepted: int
    duplicates: int
    rejected: list[Drop]
    warnings: list[Drop] = []

    @classmethod
    def of(cls, judged: Outcomes) -> Answer:
        """The answer for an outcome."""
        return cls(len(judged.accepted), judged.duplicates, judged.dropped, judged.warned)


class Problem(msgspec.Struct):
    """Why a request as a whole was not taken."""

    error: str


def answer(resp: falcon.asgi.Response, status: int, body: object) -> None:
    """A JSON answer."""
    resp.status = status
    resp.content_type = JSON
    resp.data = msgspec.json.encode(body)


def error_response(resp: falcon.asgi.Response, status: int, why: str, retry_after: int = 0) -> None:
    """A problem as the answer; ``retry_after`` in seconds, 0 where coming again does not help."""
    if retry_after:
        set_retry_after(resp, retry_after)
    answer(resp, status, Problem(why))


def set_retry_after(resp: falcon.asgi.Response, seconds: int) -> None:
    """Say when; scripts of other origins may read it."""
    resp.set_header("Retry-After", str(seconds))
    resp.set_header("Access-Control-Expose-Headers", "Retry-After")


def serialize(req: falcon.Request, resp: falcon.Response, exc: falcon.HTTPError) -> None:
    """Falcon's own errors (no such path, no such method) in the same form."""
    resp.content_type = JSON
    resp.data = msgspec.json.encode(Problem(exc.description or exc.title or str(exc.status)))
