"""TestState: one state of a definition, run by the interpreter with mocks in the place of what it would call."""

from sfc.teststate.request import Mock, StateConfiguration, TestRequest
from sfc.teststate.run import Outcome, test_state

__all__ = ["Mock", "Outcome", "StateConfiguration", "TestRequest", "test_state"]
