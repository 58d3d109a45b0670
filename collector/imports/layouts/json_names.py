"""What the keys of JSON logs mean: of nginx, Caddy, Traefik, Envoy, cloud load balancers, ECS, and of people.

Names are compared in lower case without ``-``, ``_``, ``@`` and ``$``. A dot leads into an object. Of several names for
one thing the first counts: what the visitor asked for before what a proxy made of it, and the server's own idea
of who the client is (Caddy's ``client_ip``) before the bare connection.
"""

from __future__ import annotations

from enum import IntEnum
from itertools import accumulate

MAX_KEYS = 4_096
MAX_KEY = 64


class Slot(IntEnum):
    """What a value is."""

    TIME = 0
    CLIENT = 1
    REQUEST = 2
    STATUS = 3
    HOST = 4
    REFERRER = 5
    AGENT = 6
    FORWARDED = 7
    METHOD = 8
    TARGET = 9
    QUERY = 10


NAMES = {
    Slot.TIME: "startutc edgestarttimestamp timeiso8601 timelocal msec timestamp ts time starttime datetime date",
    Slot.CLIENT: "clientip remoteaddr remoteip remotehost clienthost clientaddr clientaddress request.clientip "
    "request.remoteip request.remoteaddr httprequest.remoteip client.ip client.address source.ip source.address "
    "downstreamremoteaddress cip remote ip",
    Slot.REQUEST: "request requestline",
    Slot.STATUS: "status statuscode downstreamstatus responsestatus responsecode httpstatus edgeresponsestatus "
    "request.status httprequest.status http.response.statuscode response.status scstatus code",
    Slot.HOST: "httphost requesthost servername vhost virtualhost request.host request.headers.host headers.host "
    "clientrequesthost authority url.domain xhostheader cshost host domain",
    Slot.REFERRER: "httpreferer httpreferrer referer referrer requestreferer request.referer request.headers.referer "
    "headers.referer httprequest.referer http.request.referrer clientrequestreferer csreferer",
    Slot.AGENT: "httpuseragent useragent agent requestuseragent request.useragent request.headers.useragent "
    "headers.useragent httprequest.useragent useragent.original clientrequestuseragent csuseragent",
    Slot.FORWARDED: "httpxforwardedfor xforwardedfor forwardedfor requestxforwardedfor request.headers.xforwardedfor "
    "headers.xforwardedfor xff",
    Slot.METHOD: "requestmethod method httpmethod verb request.method httprequest.requestmethod http.request.method "
    "clientrequestmethod csmethod",
    Slot.TARGET: "requesturi uri url requesturl requestpath path target request.uri request.url request.path "
    "httprequest.requesturl url.original url.path clientrequesturi csuristem",
    Slot.QUERY: "args querystring query request.query url.query csuriquery",
}
RANKS = {name: (slot, rank) for slot, names in NAMES.items() for rank, name in enumerate(names.split())}
# The objects in which one of these names is.
OBJECTS = {path for name in RANKS for path in list(accumulate(name.split("."), "{}.{}".format))[:-1]}
_IGNORED = str.maketrans("", "", "-_@$()")


class Names(dict[str, "tuple[int, int, Names | None]"]):
    """By a key as it is in the log: slot (-1: none), rank, and the names in the object that is its value, if any.

    It knows what it was asked before, up to a bound.
    """

    def __init__(self, path: str = "") -> None:
        super().__init__()
        self._path = path

    def __missing__(self, key: str) -> tuple[int, int, Names | None]:
        if len(key) > MAX_KEY:
            return -1, 0, None
        path = self._path + key.lower().translate(_IGNORED)
        slot, rank = RANKS.get(path, (-1, 0))
        found = (int(slot), rank, Names(f"{path}.") if path in OBJECTS else None)
        if len(self) >= MAX_KEYS:
            self.clear()
        self[key] = found
        return found
