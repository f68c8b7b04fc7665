"""The pure heart: one execution's state, advanced by journal entries."""

from sfc.interpreter.info import ExecutionInfo
from sfc.interpreter.run import Run
from sfc.interpreter.step import step

__all__ = ["ExecutionInfo", "Run", "step"]
