"""Tests of blueprints without a cluster: tasks are mocked, time is virtual.

    from sfc.testing import play, throw

    def test_a_busy_service_is_asked_again():
        played = play("order.asl.json", {"id": 1}, mocks={"Charge": [throw("Busy"), {"receipt": "r-1"}]})
        assert played.status == "SUCCEEDED"
        assert played.path == ["Charge", "Ship"]

With pytest there are fixtures too: `play_blueprint` and `mock_config`, which find files beside the test.
"""

from sfc.tasks.mocks import InvalidMocks, MockConfig, NotMocked, Return, TestCase, Throw, read_mocks
from sfc.testing.checks import differences
from sfc.testing.played import Played
from sfc.testing.playing import play, throw

__all__ = [
    "InvalidMocks",
    "MockConfig",
    "NotMocked",
    "Played",
    "Return",
    "TestCase",
    "Throw",
    "differences",
    "play",
    "read_mocks",
    "throw",
]
