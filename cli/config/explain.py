"""What is said of settings, made from the structs: the file that ``footfall init`` writes, and docs/configuration.md.

    python -m cli.config.explain > docs/configuration.md

``tests/cli/config/test_explain.py`` fails where the page says anything else.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from textwrap import wrap

from cli.config.settings import SETTINGS, Setting, as_toml, sections
from cli.config.sources import FILE_NAME

_WIDTH = 100
_TOP = """\
# Footfall. Every setting is optional and shown with its default. To change one, remove the # in front of it.
# An environment variable takes precedence over this file. Relative paths start at this file. `footfall config check`
# finds mistakes; `footfall serve` reads the file when it starts.
"""
_PAGE = f"""\
# Configuration

Written from the code by `make docs`; do not edit.

Every setting has a default, so an empty file is valid. Footfall uses the first value that it finds in:

1. a flag: `--data-dir` and `--url` before any command; `--host`, `--port`, `--workers` and `--durability` of
   `footfall serve` and `footfall collector`;
2. an environment variable: `FOOTFALL_` with the table and the name of the setting, in capitals;
3. the file `{FILE_NAME}`, which [`footfall init`](cli.md#footfall-init) writes with every setting in it;
4. the default.

Footfall looks for the file in the current directory and its parents. `--config` or `FOOTFALL_CONFIG` names another.

```console
$ footfall config show
$ footfall config check
$ FOOTFALL_COLLECTOR_PORT=9090 footfall config show
```

Footfall reads its settings when it starts, so restart `footfall serve` after a change. `config show` prints every
setting, its value and its origin. `config check` reports every mistake in the file and the environment, and exits
with 3 if there are any. A password in `url` is never shown. If the URL has one, protect the file:
`chmod 600 {FILE_NAME}`.

- In a variable, lists are comma-separated: `FOOTFALL_COLLECTOR_TRUSTED_PROXIES=10.0.0.1,10.1.0.0/16`. A single comma is
  an empty list. An empty variable counts as not set.
- A relative path in the file is relative to the file. In a variable or a flag, it is relative to the current directory.
- A wrong value is an error, even if another one takes precedence over it. An unknown name in the file is an error too.
- A variable that looks like a misspelt setting (`FOOTFALL_COLECTOR_PORT`) is an error. Any other unknown variable that
  begins with `FOOTFALL_` is ignored, and `config check` lists it.
- Kubernetes sets variables such as `FOOTFALL_COLLECTOR_PORT=tcp://…` for a service called `footfall-collector`. Give
  the service another name, or set `enableServiceLinks: false` in the pod.
"""
_SECTIONS = {
    "": """\
## At the top of the file
""",
    "collector": """\
## [collector]

How events are received. More about [proxies](operations.md#behind-a-proxy), [paths of your
own](operations.md#under-your-own-domain), [rate limits](operations.md#rate-limits) and
[metrics](operations.md#metrics).
""",
    "loader": """\
## [loader]

How events are loaded.
""",
}


def template(values: Mapping[str, object]) -> str:
    """The text of a new configuration file: every setting as a comment, but for ``values``, by their keys."""
    parts = [_TOP]
    for section in ("", *sections()):
        parts += [f"[{section}]\n"] if section else []
        parts += [_entry(each, values) for each in SETTINGS.values() if each.section == section]
    return "\n".join(parts)


def page() -> str:
    """docs/configuration.md."""
    parts = [_PAGE]
    for section, text in _SECTIONS.items():
        rows = [_row(each) for each in SETTINGS.values() if each.section == section]
        parts += [text, "| Setting | Default | Values | Meaning |\n|---|---|---|---|", "\n".join(rows), ""]
    return "\n".join(parts)


def _entry(setting: Setting, values: Mapping[str, object]) -> str:
    told = setting.description.replace("`", "")
    lines = [f"# {line}" for line in wrap(told, _WIDTH, break_on_hyphens=False, break_long_words=False)]
    lines.append(f"# Value: {setting.values}. Variable: {setting.variable}")
    if setting.examples:
        lines.append(f"# Example: {setting.name} = {as_toml(setting.examples[0])}")
    value = as_toml(values.get(setting.key, setting.default))
    lines.append(f"{'' if setting.key in values else '#'}{setting.name} = {value}\n")
    return "\n".join(lines)


def _row(setting: Setting) -> str:
    meaning = setting.description
    if setting.examples:
        meaning += f" Example: `{as_toml(setting.examples[0])}`."
    return f"| `{setting.name}` | `{as_toml(setting.default)}` | {setting.values} | {meaning}<br>`{setting.variable}` |"


if __name__ == "__main__":
    sys.stdout.write(page())
