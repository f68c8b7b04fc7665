"""What a Prometheus server reads at `/metrics`: executions, engine, triggers and pools, as they are at that moment."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from actors.overview import Overview
from sfc.bridge.lifecycle import EventFigures
from sfc.bridge.source import FeedState
from sfc.triggers.report import Report
from sfc.triggers.trigger import Trigger

POOL_GAUGES: Final[Mapping[str, tuple[str, str]]] = {
    "sfc_pool_wished_workers": ("wished", "Workers that the pool's load asks for."),
    "sfc_pool_desired_workers": (
        "desired",
        "Workers that it is given; less than wished when the cluster is full.",
    ),
    "sfc_pool_up_workers": ("up", "Workers that take jobs."),
    "sfc_pool_starting_workers": ("starting", "Workers that are not up yet."),
    "sfc_pool_draining_workers": ("draining", "Workers that finish their jobs and end."),
    "sfc_pool_pending_seconds": ("pending_s", "How long the oldest start has taken, when it takes long."),
    "sfc_pool_in_flight_jobs": ("in_flight", "Jobs that workers have."),
    "sfc_pool_queued_jobs": ("queued", "Jobs that no worker has yet."),
    "sfc_pool_arrivals_per_second": ("arrivals_s", "Jobs that arrive in a second."),
    "sfc_pool_finishes_per_second": ("finishes_s", "Jobs that end in a second."),
    "sfc_pool_executions_24h": ("executions_a_day", "Executions in the last 24 hours."),
}
POOL_COUNTERS: Final[Mapping[str, tuple[str, str]]] = {
    "sfc_pool_expired_jobs": ("expired", "Jobs that waited longer than they may, since the scheduler began."),
}
ENGINE_GAUGES: Final[Mapping[str, tuple[str, str]]] = {
    "sfc_engine_resident_executions": ("resident", "Executions in memory."),
    "sfc_engine_jobs": ("jobs", "Jobs that executions wait for."),
    "sfc_engine_paused": ("paused", "Blueprints and groups that are paused."),
    "sfc_engine_held": ("held", "Jobs and timers that pauses hold in memory."),
    "sfc_engine_messages": ("messages", "Messages that Kafka has not acknowledged."),
    "sfc_engine_broken_executions": ("broken", "Executions that stopped at a bug."),
}
ENGINE_COUNTERS: Final[Mapping[str, tuple[str, str]]] = {
    "sfc_engine_commits": ("commits", "Commits of the journal."),
    "sfc_engine_entries": ("entries", "Facts in the journal, written by this engine."),
}
FEED_COUNTERS: Final[Mapping[str, tuple[str, str]]] = {
    "sfc_kafka_records": ("records", "Records that were read and are done with."),
    "sfc_kafka_started": ("started", "Executions that records started."),
    "sfc_kafka_repeated": ("repeated", "Records whose execution was there already."),
    "sfc_kafka_left_out": ("left_out", "Records that the filter left out."),
    "sfc_kafka_answers": ("answers", "Answers that tasks waited for."),
    "sfc_kafka_strays": ("strays", "Answers that nothing waited for."),
    "sfc_kafka_dead_letters": ("dead", "Records of no use."),
}
FEED_GAUGES: Final[Mapping[str, tuple[str, str]]] = {
    "sfc_kafka_lag": ("lag", "Records that wait in the topic."),
    "sfc_kafka_trouble": ("trouble", "1 while the topic cannot be read or used."),
}
EVENT_COUNTERS: Final[Mapping[str, tuple[str, str]]] = {
    "sfc_events_published": ("published", "Events of executions that the broker has."),
    "sfc_events_dropped": ("dropped", "Events that the broker will never take."),
}
TRIGGER_COUNTERS: Final[Mapping[str, tuple[str, str]]] = {
    "sfc_trigger_started": ("started", "Executions that the trigger started, since the server began."),
    "sfc_trigger_repeated": ("repeated", "Events whose execution was there already."),
    "sfc_trigger_left_out": ("left_out", "Events that the filter or a policy left out."),
    "sfc_trigger_failed": ("failed", "Events that could not be used."),
}
OTHERS: Final[Mapping[str, str]] = {
    "sfc_executions": "Executions in the store, by status.",
    "sfc_events_lag": "Facts of the journal whose events are not published, or that were not looked at.",
    "sfc_trigger_paused": "Whether the trigger is paused.",
    "sfc_cluster_worker_cpus": "CPUs for all workers together.",
    "sfc_scheduler_cpu_seconds": "CPU that the scheduler has used.",
    "sfc_scheduler_up": "Whether the scheduler answers; 0 where there is none.",
}


class Figures(NamedTuple):
    executions: Mapping[str, int]
    """By status."""
    engine: Mapping[str, int | float]
    pools: Overview | None
    feeds: Sequence[FeedState] = ()
    """Of all topics that are read."""
    triggers: Sequence[tuple[Trigger, Report]] = ()
    events: EventFigures = EventFigures()


def render(figures: Figures) -> bytes:
    """In Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(figures))
    return generate_latest(registry)


class _Collector:
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        executions = GaugeMetricFamily("sfc_executions", OTHERS["sfc_executions"], labels=["status"])
        for status, count in self._figures.executions.items():
            executions.add_metric([status], count)
        yield executions
        for name, (key, text) in ENGINE_GAUGES.items():
            yield GaugeMetricFamily(name, text, value=self._figures.engine[key])
        for name, (key, text) in ENGINE_COUNTERS.items():
            yield CounterMetricFamily(name, text, value=self._figures.engine[key])
        yield from _of_feeds(self._figures.feeds)
        yield from _of_triggers(self._figures.triggers)
        events = self._figures.events
        for name, (key, text) in EVENT_COUNTERS.items():
            yield CounterMetricFamily(name, text, value=getattr(events, key))
        yield GaugeMetricFamily("sfc_events_lag", OTHERS["sfc_events_lag"], value=events.lag)
        pools = self._figures.pools
        yield GaugeMetricFamily("sfc_scheduler_up", OTHERS["sfc_scheduler_up"], value=pools is not None)
        if pools is not None:
            yield from _of_pools(pools)


def _of_triggers(found: Sequence[tuple[Trigger, Report]]) -> Iterator[Metric]:
    paused = GaugeMetricFamily("sfc_trigger_paused", OTHERS["sfc_trigger_paused"], labels=["trigger", "kind"])
    for trigger, _ in found:
        paused.add_metric([trigger.name, trigger.kind], trigger.paused)
    yield paused
    for name, (key, text) in TRIGGER_COUNTERS.items():
        family = CounterMetricFamily(name, text, labels=["trigger", "kind"])
        for trigger, report in found:
            family.add_metric([trigger.name, trigger.kind], getattr(report.figures, key))
        yield family


def _of_pools(found: Overview) -> Iterator[Metric]:
    cpus, cpu_s = "sfc_cluster_worker_cpus", "sfc_scheduler_cpu_seconds"
    yield GaugeMetricFamily(cpus, OTHERS[cpus], value=found.capacity_cpus)
    yield CounterMetricFamily(cpu_s, OTHERS[cpu_s], value=found.loop_cpu_s)
    families: tuple[tuple[Mapping[str, tuple[str, str]], type[GaugeMetricFamily | CounterMetricFamily]], ...]
    families = (POOL_GAUGES, GaugeMetricFamily), (POOL_COUNTERS, CounterMetricFamily)
    for known, kind in families:
        for name, (key, text) in known.items():
            family = kind(name, text, labels=["pool"])
            for pool in found.pools:
                family.add_metric([pool.name], getattr(pool, key))
            yield family


def _of_feeds(feeds: Sequence[FeedState]) -> Iterator[Metric]:
    for name, (key, text) in FEED_COUNTERS.items():
        counter = CounterMetricFamily(name, text, labels=["feed", "topic"])
        for feed in feeds:
            counter.add_metric([feed.name, feed.topic], getattr(feed.figures, key))
        yield counter
    for name, (key, text) in FEED_GAUGES.items():
        gauge = GaugeMetricFamily(name, text, labels=["feed", "topic"])
        for feed in feeds:
            gauge.add_metric([feed.name, feed.topic], getattr(feed, key))
        yield gauge
