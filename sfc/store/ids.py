"""Execution ids: 63 bits, ordered by time within a shard, so that new rows land at the end of every index.

41 bits  milliseconds since 2020-01-01 UTC (69 years)
 6 bits  shard
16 bits  sequence within the millisecond
"""

from typing import Final

EPOCH_MS: Final = 1_577_836_800_000
MAX_SHARDS: Final = 64
_TIME_SHIFT: Final = 22
_SHARD_SHIFT: Final = 16
_SEQUENCES: Final = 1 << _SHARD_SHIFT

POSITION_SHIFT: Final = 56
"""Journal positions hold their shard in the top bits, so that one number is a place in one shard's journal."""


class Ids:
    """Gives the ids of one shard, each above all before, also when the clock goes back or stands still."""

    __slots__ = ("_last", "_shard")

    def __init__(self, shard: int, last: int = 0) -> None:
        """`last` is the highest id the shard has given so far (`Lease.last_id`)."""
        if not 0 <= shard < MAX_SHARDS:
            raise ValueError(f"a shard is a number from 0 to {MAX_SHARDS - 1}, not {shard}")
        self._shard = shard
        self._last = last

    def next(self, now: int) -> int:
        """A new id; `now` is UTC ms."""
        candidate = (max(now - EPOCH_MS, 0) << _TIME_SHIFT) | (self._shard << _SHARD_SHIFT)
        if candidate <= self._last:
            if (self._last + 1) % _SEQUENCES:
                candidate = self._last + 1
            else:  # 65,536 in one millisecond: borrow the next one
                candidate = (((self._last >> _TIME_SHIFT) + 1) << _TIME_SHIFT) | (self._shard << _SHARD_SHIFT)
        self._last = candidate
        return candidate


def shard_of(execution: int) -> int:
    return (execution >> _SHARD_SHIFT) % MAX_SHARDS


def first_position(shard: int) -> int:
    """Where the journal of `shard` begins."""
    return (shard << POSITION_SHIFT) + 1


def first_id(shard: int) -> int:
    """Below every id of `shard`."""
    return shard << _SHARD_SHIFT
