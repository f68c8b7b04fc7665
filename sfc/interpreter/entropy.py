"""Chance that replays the same: SplitMix64, seeded by the execution, advanced by use.

Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014). Not for secrets.
"""

from typing import Final

_MASK: Final = (1 << 64) - 1


class SeededEntropy:
    """Implements `sfc.asl.expression.Entropy`; the order of draws is fixed by the order of evaluation."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def bits(self) -> int:
        """64 uniform bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    def random(self) -> float:
        """Uniform in [0, 1)."""
        return (self.bits() >> 11) / (1 << 53)

    def uuid(self) -> str:
        """A version 4 UUID."""
        value = (self.bits() << 64) | self.bits()
        value = value & ~(0xF000 << 64) | (0x4000 << 64)
        value = value & ~(0xC000 << 48) | (0x8000 << 48)
        digits = f"{value:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
