"""``GET|POST /v1/postback/{network}``: what an affiliate network says of a conversion, answered as it expects."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

import falcon.asgi
import msgspec

from collector.event.decode import Malformed
from collector.event.model import DropReason
from collector.event.postbacks import PROFILES, NetworkKind, read
from collector.event.values import InvalidEvent
from collector.ingest.access import UNKNOWN_SECONDS, AccessDenied
from collector.ingest.pipeline import Drop, Outcomes
from collector.ingest.service import Intake
from collector.sites.networks import Network
from collector.sites.registry import Site
from collector.web.request_body import TooLarge, UnknownEncoding, read_body
from collector.web.responses import FULL_SECONDS, JSON, Answer, Problem, answer, set_retry_after
from sql.core.errors import StorageError

# The most that a network has, and room for what an operator adds.
MAX_PARAMETERS = 100
MAX_DETAIL = 200
_FORMS = frozenset({"application/x-www-form-urlencoded", ""})


class Postbacks:
    """Whose a postback is, its token says; then its address and signature are checked, where the network has any."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, network: str) -> None:
        """200 where the conversion is taken, or was before; else why not: 400, 401, 403, 413, 415, 429 or 503."""
        text = network in set(NetworkKind) and PROFILES[NetworkKind(network)].answers_in_text
        try:
            address = self.intake.admit(req)
            sent = _parsed(req.query_string)
            site, its = self._whose(network, sent.get("token", ""), address)
            text = PROFILES[its.kind].answers_in_text
            body = await read_body(req, self.intake.options.limits.event_bytes)
            signature = req.get_header("X-Footfall-Signature") or sent.get("signature", "")
            if not its.signed(_message(req.query_string, body), signature):
                raise AccessDenied(403, "the signature is wrong")
            told = read(its.kind, its.name, {**_of_body(req, body), **sent}, its.mapped, site.currency)
            judged = await self.intake.take_postback(site, told)
        except InvalidEvent as wrong:
            judged = Outcomes(dropped=[Drop(0, wrong.reason, wrong.field, wrong.detail)])
            self.intake.counts.judged(judged)
        except Malformed as exc:
            self.intake.counts.judged(Outcomes(dropped=[Drop(0, DropReason.MALFORMED, "")]))
            return _refuse(resp, text, 400, str(exc))
        except TooLarge:
            return _refuse(resp, text, 413, f"at most {self.intake.options.limits.event_bytes} bytes")
        except UnknownEncoding:
            return _refuse(resp, text, 415, "unsupported content encoding")
        except AccessDenied as exc:
            return _refuse(resp, text, exc.status, str(exc), exc.retry_after)
        except StorageError as exc:
            return _refuse(resp, text, 503, exc.message, FULL_SECONDS)
        if judged.dropped:
            drop = judged.dropped[0]
            return _refuse(resp, text, 400, f"{drop.field}: {drop.detail or drop.reason}")
        return _say(resp, 200, "success=true;") if text else answer(resp, 200, Answer.of(judged))

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, network: str) -> None:
        """The same, with parameters in the body too: a form, or an object in JSON."""
        await self.on_get(req, resp, network)

    def _whose(self, network: str, token: str, address: str) -> tuple[Site, Network]:
        """The site and network of a token. Raises AccessDenied."""
        if not token:
            raise AccessDenied(401, "the postback token is missing")
        its = self.intake.networks.by_token(token)
        site = self.intake.registry.by_id(its.site_id) if its else None
        if not self.intake.registry.known:
            self.intake.registry.by_domain("")  # reads them, where they are there by now
            if not self.intake.registry.known:
                raise AccessDenied(503, "the list of sites is not available yet", UNKNOWN_SECONDS)
        if its is None or site is None or network not in {its.kind.value, its.name}:
            raise AccessDenied(403, "this postback token is unknown here")
        if site.archived:
            raise AccessDenied(403, "the site is archived and accepts no postbacks")
        if not its.allows(address):
            raise AccessDenied(403, "postbacks of this network do not come from this address")
        return site, its


def _parsed(text: str) -> dict[str, str]:
    """Parameters, the first of a name. Raises Malformed for too many."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_PARAMETERS, errors="replace")
    except ValueError:
        raise Malformed(f"at most {MAX_PARAMETERS} parameters") from None
    return dict(reversed(pairs))


def _of_body(req: falcon.asgi.Request, body: bytes) -> Mapping[str, str]:
    """Parameters of the body. Raises Malformed."""
    if not body:
        return {}
    kind = (req.content_type or "").partition(";")[0].strip().lower()
    if kind in _FORMS:
        return _parsed(body.decode("utf-8", "replace"))
    if kind != JSON:
        raise Malformed("send a form or JSON")
    try:
        found = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        if len(found) > MAX_PARAMETERS:
            raise Malformed(f"at most {MAX_PARAMETERS} parameters")
        return {name: _scalar(name, value) for name, value in found.items()}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Malformed("not an object in JSON") from None


def _scalar(name: str, value: msgspec.Raw) -> str:
    """A number as it is written, so that no digit of an id is lost. What is neither that nor text is not a value."""
    written = bytes(value)
    if written.startswith(b'"'):
        return str(msgspec.json.decode(written, type=str))
    if written.startswith((b"{", b"[")):
        raise Malformed(f"{name[:MAX_DETAIL]} is neither text nor a number")
    return "" if written == b"null" else written.decode()


def _message(query: str, body: bytes) -> bytes:
    """What is signed: the query as it was sent, without the signature, then the body."""
    signed = "&".join(pair for pair in query.split("&") if not pair.startswith("signature="))
    return signed.encode("utf-8", "surrogateescape") + body


def _refuse(resp: falcon.asgi.Response, text: bool, status: int, why: str, retry_after: int = 0) -> None:
    """A network that reads text takes no 400 for an answer: it would send the same again."""
    if retry_after:
        set_retry_after(resp, retry_after)
    if text:
        said = why[:MAX_DETAIL].replace(";", ",").encode("ascii", "replace").decode()
        _say(resp, 200 if status == 400 else status, f"success=false; err_msg={said};")
    else:
        answer(resp, status, Problem(why[:MAX_DETAIL]))


def _say(resp: falcon.asgi.Response, status: int, text: str) -> None:
    resp.status = status
    resp.content_type = "text/plain"
    resp.text = text
