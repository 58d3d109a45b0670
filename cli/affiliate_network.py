"""``footfall affiliate network``: affiliate networks that send postbacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from cli.defining import Defined, group
from collector.event.postbacks import NetworkKind

if TYPE_CHECKING:
    from collector.sites.network_definitions import NetworkBody
    from sql.definitions import Kind


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """What a network is, as options; None: not stated."""

    kind: Annotated[
        NetworkKind | None, typer.Option("--kind", "-k", help="Whose parameters it sends (default: generic).")
    ] = None
    token: Annotated[
        str | None, typer.Option("--token", help="Postback token, 16 to 128 characters; stored as a hash.")
    ] = None
    hmac: Annotated[
        str | None, typer.Option("--hmac", help="Secret that it signs postbacks with; '' for unsigned ones.")
    ] = None
    address: Annotated[
        list[str] | None,
        typer.Option("--address", help="Accept only from this address or network (CIDR); repeatable."),
    ] = None
    mapped: Annotated[
        list[str] | None,
        typer.Option("--map", help="Parameter of a field, such as transaction=order; repeatable."),
    ] = None

    def body(self, before: NetworkBody | None) -> NetworkBody:
        """The network that they say; what is not stated is as ``before``. Raises UsageError."""
        import msgspec

        from collector.sites.network_definitions import MIN_SECRET, NetworkBody
        from collector.sites.networks import MAX_TOKEN, hash_token
        from sql.core.errors import UsageError

        stated: dict[str, object] = {"kind": self.kind, "hmac": self.hmac}
        if self.token is not None:
            if not MIN_SECRET <= len(self.token) <= MAX_TOKEN:
                hint = "make one with: openssl rand -hex 16"
                raise UsageError(f"a postback token has {MIN_SECRET} to {MAX_TOKEN} characters", hint)
            stated["token"] = hash_token(self.token)
        for name, given in (("addresses", self.address), ("map", self.mapped)):
            if given:
                stated[name] = tuple(filter(None, given))
        stated = {name: value for name, value in stated.items() if value is not None}
        return msgspec.structs.replace(before or NetworkBody(), **stated)


def _kind() -> Kind[NetworkBody]:
    from collector.sites.network_definitions import NETWORK

    return NETWORK


app = group(
    Defined(
        "affiliate network",
        "network",
        "Affiliate networks that send postbacks. Collectors apply changes within two seconds.",
        "partners --kind tune --token 5f0c9d3e8b7a4c21",
        NetworkOptions,
        _kind,
        clears="'' clears it.",
    )
)
