"""The figures of an engine."""

from sfc.engine.host import Host


def stats(host: Host) -> dict[str, int | float]:
    """As they are now, since the engine was made."""
    figures = host.committer.figures
    paused, held = host.gate.counts()
    return {
        "resident": len(host.residence.all),
        "jobs": sum(len(resident.run.jobs) for resident in host.residence.all.values()),
        "waiters": sum(map(len, host.listeners.ended.values())),
        "passivated": host.passivated,
        "broken": len(host.residence.broken),
        "paused": paused,
        "held": held,
        "commits": figures.commits,
        "entries": figures.entries,
        "largest_batch": figures.largest,
        "mean_batch": figures.entries / figures.commits if figures.commits else 0.0,
    }
