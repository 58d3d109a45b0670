"""Footfall under siege: every attack that was ever found, at once, beside honest traffic at half of what the machine
can take. Honest senders must not notice, memory must not grow, and the account must be exact."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from bench import attacks, honest
from collector.sites.admin import add_site
from collector.sites.keys import add_key

pytestmark = pytest.mark.process

ZONES = ("Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC", "Asia/Tokyo")
BURST_SECONDS = 20.0
P99_MS = 100.0
# Requests a second that two cores of their own take and load, with engine, loader and senders on the same two. Where
# the burst is slower, other things run here too, and attacks come less often in the same measure.
OWN_CORES_RATE = 3_000
# What a site's rate leaves room for: three quarters of 2,000 events a second each.
MAX_RATE = 0.75 * 2_000 * len(ZONES)
# Most that each process may hold, in MB. What it starts with, and what the text from outside that it keeps may take
# (docs/architecture.md), and for a worker 500 connections with half a body each (256 KB), for the loader a batch in
# each of its three steps, for the engine its own caches and merges.
BOUNDS_MB = {"serve": 150, "collector": 120, "worker": 60 + 16 + 130 + 60, "loader": 500 + 80, "engine": 1_500}
CONFIG = """
data_dir = "data"
[collector]
port = {port}
trusted_proxies = ["127.0.0.1"]
"""


class Memory(threading.Thread):
    """Resident memory of every process, in MB, once a second until it is told to end."""

    def __init__(self, footfall) -> None:
        super().__init__(daemon=True)
        self.footfall = footfall
        self.ended = threading.Event()
        self.seen: dict[tuple[str, int], list[float]] = {}
        self.processor: dict[tuple[str, int], list[float]] = {}

    def run(self) -> None:
        while not self.ended.wait(1.0):
            self.look()

    def look(self) -> None:
        pids = {("serve", self.footfall.process.pid)}
        for role in ("engine", "loader", "collector", "worker"):
            pids |= {(role, pid) for pid in self.footfall.pids(role)}
        for role, pid in pids:
            try:
                status = Path(f"/proc/{pid}/status").read_text()
                spent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            resident = [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:")]
            self.seen.setdefault((role, pid), []).extend(resident)
            seconds = (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")
            self.processor.setdefault((role, pid), []).append(seconds)

    def table(self) -> str:
        rows = [f"{'process':16}{'start':>8}{'max':>8}{'end':>8}{'bound':>8} MB {'processor':>10} s"]
        for (role, pid), figures in sorted(self.seen.items()):
            shown = "".join(f"{figure:8.0f}" for figure in (figures[0], max(figures), figures[-1], BOUNDS_MB[role]))
            spent = self.processor[role, pid]
            rows.append(f"{role + ' ' + str(pid):16}{shown}    {spent[-1] - spent[0]:10.1f}")
        return "\n".join(rows)


@pytest.fixture
def besieged(still):
    """A Footfall with default limits behind a proxy, the sites of honest senders, and two that are attacked."""
    (still.folder / "footfall.toml").write_text(CONFIG.format(port=still.port))
    still.start()
    sites = []
    with still.client() as client:
        for number, zone in enumerate(ZONES):
            site, key = add_site(client, still.home, f"honest{number}.example", zone)
            _, second = add_key(client, still.home, site, "second")
            sites.append(honest.SitePlan(site.domain, [key, second]))
        for domain in ("victim.example", "other.example"):
            add_site(client, still.home, domain, "Europe/Paris")
    return still, sites


def run(module: str, plan: msgspec.Struct, folder: Path, *before: str) -> bytes:
    """What a program of the bench writes for a plan; in a process of its own, which gives way where it is told to."""
    outcome = folder / f"{module}.json"
    with outcome.open("wb") as out:
        command = [*before, sys.executable, "-m", f"bench.{module}"]
        subprocess.run(command, input=msgspec.json.encode(plan), stdout=out, check=True)
    return outcome.read_bytes()


def honestly(footfall, plan: honest.Plan) -> honest.Outcome:
    """What became of honest traffic."""
    return msgspec.json.decode(run("honest", plan, footfall.folder), type=honest.Outcome)


class Attackers(threading.Thread):
    """All attacks; ``outcome`` is how often each was answered how."""

    def __init__(self, plan: attacks.Plan, folder: Path) -> None:
        super().__init__()
        self.plan, self.folder = plan, folder
        self.outcome: dict[str, dict[str, int]] = {}

    def run(self) -> None:
        # Attackers have processors of their own: here they take what is left.
        self.outcome = json.loads(run("attacks", self.plan, self.folder, "nice", "-n", "15"))


@pytest.mark.siege
@pytest.mark.timeout(0)
def test_honest_senders_do_not_notice_a_siege(besieged, until, agree):
    """FOOTFALL_SIEGE_SECONDS sets other seconds than ten minutes."""
    footfall, sites = besieged
    seconds = float(os.environ.get("FOOTFALL_SIEGE_SECONDS", "600"))
    began = time.monotonic()
    burst = honestly(footfall, honest.Plan(footfall.port, BURST_SECONDS, 0, 0, sites))
    until(lambda: footfall.account().pending == 0, 60, "the burst is loaded")
    full = burst.statuses["202"] / (time.monotonic() - began)
    memory = Memory(footfall)
    memory.look()
    memory.start()
    pace = min(1.0, full / OWN_CORES_RATE)
    plan = attacks.Plan(footfall.port, seconds, "victim.example", "other.example", pace)
    attackers = Attackers(plan, footfall.folder)
    attackers.start()
    rate = min(full / 2, MAX_RATE)
    calm = honestly(footfall, honest.Plan(footfall.port, seconds, rate, 1 << 40, sites))
    attackers.join()
    until(lambda: settled(footfall), 120, "what was sent is read, and nothing waits")
    memory.look()
    memory.ended.set()
    memory.join()
    print(f"\n{seconds:.0f} s; attacks at {pace:.2f} of their pace; load of the machine {os.getloadavg()[1]:.1f}")
    report(full, rate, calm, attackers.outcome, memory)
    check_account(footfall, burst, calm, agree)
    check_memory(footfall, memory)
    check_answers(burst, calm, attackers.outcome)


def settled(footfall) -> bool:
    """Nothing waits, and nothing more comes: workers that were busy read on after their senders have gone."""
    before = footfall.account()
    time.sleep(3)
    after = footfall.account()
    return before.accepted == after.accepted and after.pending == 0


def report(full, rate, calm, attacked, memory) -> None:
    """What was seen, before anything is asserted."""
    print(f"{rate:,.0f} honest requests/s, of {full:,.0f} without attacks")
    shown = "  ".join(f"p{100 * part:g} {calm.percentile(part):.1f} ms" for part in (0.5, 0.99, 0.999, 1))
    print(f"honest: {shown}; sent {calm.late_ms:.0f} ms late at most; asked again {calm.again}; {calm.statuses}")
    for name, answers in sorted(attacked.items()):
        print(f"  {name:34} " + ", ".join(f"{how}: {many:,}" for how, many in sorted(answers.items())))
    print(memory.table(), flush=True)


def check_account(footfall, burst, calm, agree) -> None:
    """Nothing is missing; what was acknowledged is there, once; and every derivation says so."""
    command = [sys.executable, "-m", "cli.main", "--config", str(footfall.folder / "footfall.toml")]
    done = subprocess.run([*command, "spool", "status"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    account = footfall.account()
    assert (account.missing, account.pending, account.quarantined) == (0, 0, 0)
    print(f"account: accepted {account.accepted:,}, {account.totals}", flush=True)
    with footfall.client() as client:
        asked = (
            "select event_id from events where site_id in (select site_id from sites final where domain like 'honest%')"
        )
        stored = Counter(str(row[0]) for row in client.query(asked).result_rows)
        assert client.command("select count() from events") == account.totals.stored
        acknowledged = [honest.event_id(number) for outcome in (burst, calm) for number in outcome.acknowledged]
        assert [event_id for event_id in acknowledged if stored[event_id] != 1][:5] == []
        assert len(stored) - len(acknowledged) <= calm.again + sum(calm.statuses.values()) - calm.statuses["202"]
        agree(client)


def check_memory(footfall, memory: Memory) -> None:
    """Within bounds, and no process had to be started again."""
    over = {who: max(figures) for who, figures in memory.seen.items() if max(figures) > BOUNDS_MB[who[0]]}
    assert over == {}
    assert sorted(role for role, _ in memory.seen) == ["collector", "engine", "loader", "serve", "worker", "worker"]


def check_answers(burst, calm, attacked) -> None:
    """No honest event was refused but by a stated limit, all were answered soon, and no attack caused an error."""
    refused = {how for outcome in (burst, calm) for how in outcome.statuses if not how.startswith(("202", "429 "))}
    assert refused == set()
    assert calm.statuses["202"] > 0.99 * calm.sent
    errors = {(name, how) for name, answers in attacked.items() for how in answers if how.startswith("5")}
    assert errors == set()
    assert calm.percentile(0.99) < P99_MS
