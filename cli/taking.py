"""Commands that share options: a dataclass whose fields are options, and a command that takes one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, get_type_hints


def takes(
    options: type[Any], without: tuple[str, ...] = (), **defaults: object
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command, whose first parameter is such a dataclass, its fields as options, without some."""
    hints = get_type_hints(options, include_extras=True)
    shared = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, annotation=hints[field.name],
            default=defaults.get(field.name, inspect.Parameter.empty if field.default is MISSING else field.default),
        )
        for field in fields(options)
        if field.name not in without
    ]  # fmt: skip

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        kinds = get_type_hints(command, include_extras=True)
        own = [
            parameter.replace(annotation=kinds[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in list(inspect.signature(command).parameters.values())[1:]
        ]
        names = {parameter.name for parameter in shared}

        def run(**given: Any) -> None:
            taken = options(**{name: given.pop(name) for name in names})
            command(taken, **given)

        run.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *shared)}
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        return run

    return decorate
