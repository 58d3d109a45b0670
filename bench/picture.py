"""docs/terminal.svg: what reports look like on a terminal, made from the demo's data (`make demo` first)."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

COMMANDS = (
    "report overview --period 30d",
    "report sources --period 30d --limit 6",
    "report funnel checkout --period 30d",
)
# Rich's own frame, without the web fonts that it would fetch.
FORMAT = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
font-size: {char_height}px; line-height: {line_height}px; }} {styles}</style>
<defs>{lines}</defs>{chrome}
<g transform="translate({terminal_x}, {terminal_y})">{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g></svg>
"""


def on_terminal(command: list[str]) -> str:
    """What a command prints when it believes that it talks to a terminal of 80 columns."""
    parent, child = pty.openpty()
    env = os.environ | {"COLUMNS": "80", "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    with subprocess.Popen(command, stdout=child, stderr=subprocess.DEVNULL, env=env) as running:
        os.close(child)
        data = b""
        while True:
            try:
                piece = os.read(parent, 65536)
            except OSError:  # the terminal's other side is closed
                break
            if not piece:
                break
            data += piece
        running.wait()
    os.close(parent)
    return data.decode().replace("\r\n", "\n")


def main() -> None:
    """Write the picture."""
    footfall = str(Path(sys.executable).with_name("footfall"))
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for command in COMMANDS:
        console.print(Text(f"$ footfall {command}", style="bold"))
        console.print(Text.from_ansi(on_terminal([footfall, "--config", ".demo/footfall.toml", *command.split()])))
    Path("docs/terminal.svg").write_text(console.export_svg(title="footfall", code_format=FORMAT))


if __name__ == "__main__":
    main()
