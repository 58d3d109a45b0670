"""The page that Prometheus reads: every figure with its name, unit and meaning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder

from collector.event.model import DropReason
from collector.ingest.counters import ACCEPTED, BODY_BYTES, DUPLICATES, LATENCIES, OTHER, SECONDS, STATUSES, WARNED
from collector.loader.status import INSERT_SECONDS, LoaderState
from collector.web.health import Seen


class _Figures:
    def __init__(self, sums: dict[object, float], seen: Seen) -> None:
        self.sums = sums
        self.seen = seen

    def collect(self) -> Iterator[Metric]:
        """All families, as the library asks for them."""
        yield from _requests(self.sums)
        yield from _spool(self.seen)
        yield from _loader(self.seen.loader or LoaderState(), self.seen)


def page(sums: dict[object, float], seen: Seen, accept: str) -> tuple[bytes, str]:
    """The text and its type, in the format that the ``Accept`` header prefers."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(sums, seen))
    encoder, kind = choose_encoder(accept)
    return encoder(registry), kind


def _requests(sums: dict[object, float]) -> Iterator[Metric]:
    yield _count("events_accepted", "Events written to the spool.", sums[ACCEPTED])
    rejected = CounterMetricFamily("footfall_events_rejected", "Events rejected.", labels=["reason"])
    for reason in DropReason:
        rejected.add_metric([reason.value], sums[reason])
    yield rejected
    yield _count("events_duplicate", "Events answered as duplicates.", sums[DUPLICATES])
    yield _count("schema_warnings", "Events accepted although they do not match their schema.", sums[WARNED])
    requests = CounterMetricFamily("footfall_requests", "Requests by response status.", labels=["status"])
    for status in (*STATUSES, OTHER):
        requests.add_metric([str(status)], sums[status])
    yield requests
    yield _count("request_body_bytes", "Bytes of request bodies, from Content-Length.", sums[BODY_BYTES])
    counts = [sums[bound] for bound in LATENCIES] + [sums["longer"]]
    yield _histogram(
        "request_duration_seconds", "From a request's headers to its response.", LATENCIES, counts, sums[SECONDS]
    )


def _spool(seen: Seen) -> Iterator[Metric]:
    yield _now("spool_bytes", "Bytes of all waiting segments.", seen.spool_bytes)
    yield _now("spool_limit_bytes", "Size at which the collector answers 503, in bytes.", seen.spool_limit)
    yield _now("spool_sealed_segments", "Segments waiting for the loader.", seen.sealed)
    yield _now("spool_oldest_age_seconds", "Age of the oldest segment, open or sealed.", seen.oldest_seconds)
    yield _now("loader_lag_seconds", "Age of the oldest sealed segment.", seen.lag_seconds)
    yield _now("disk_free_bytes", "Free bytes on the disk of the data directory.", seen.disk_free)


def _loader(state: LoaderState, seen: Seen) -> Iterator[Metric]:
    yield _now("loader_up", "Whether the loader is running.", seen.loader_runs)
    yield _now("engine_up", "Whether ClickHouse responds to the loader.", seen.loader_runs and not state.engine)
    yield _now("loader_last_success_timestamp_seconds", "Time at which a batch was last stored.", state.last_success)
    yield _count("loaded_batches", "Batches stored.", state.batches)
    yield _count("loaded_events", "Events stored.", state.stored)
    yield _count("duplicate_events", "Events dropped by the loader as duplicates.", state.duplicate)
    yield _count("erased_events", "Events dropped by the loader because their visitor was erased.", state.erased)
    yield _count("quarantined_events", "Events that could not be loaded.", state.quarantined)
    total = state.stored + state.duplicate + state.erased + state.quarantined
    yield _now("duplicate_ratio", "Share of duplicates among all events loaded so far.", state.duplicate / (total or 1))
    yield _histogram(
        "insert_duration_seconds",
        "From sending a batch to the response.",
        INSERT_SECONDS,
        state.inserts,
        state.insert_seconds,
    )
    yield _count("user_agent_cache_hits", "User agents found in the cache.", state.agent_hits)
    yield _count("user_agent_cache_misses", "User agents that were parsed.", state.agent_misses)


def _count(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(f"footfall_{name}", meaning, value=value)


def _now(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"footfall_{name}", meaning, value=float(value))


def _histogram(name: str, meaning: str, bounds: Sequence[float], counts: Sequence[float], total: float) -> Metric:
    """A histogram from the counts of each bucket; the last is the one without a bound."""
    buckets, sofar = [], 0.0
    for bound, count in zip([*map(str, bounds), "+Inf"], counts, strict=True):
        sofar += count
        buckets.append((bound, sofar))
    return HistogramMetricFamily(f"footfall_{name}", meaning, buckets=buckets, sum_value=total)
