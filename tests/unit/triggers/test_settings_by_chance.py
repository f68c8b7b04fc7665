"""Settings of any shape are taken or refused with a field; nothing else happens."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json
from sfc.triggers.mapping import FIELDS, MappingFailed, read_mapping
from sfc.triggers.trigger import KINDS, check_trigger

WORDS = st.sampled_from(
    ["$", "$.a", "$.a[*].b", "{% 1 %}", "{% $states.input.a %}", "{%", "States.UUID()", "* * * * *", "0 0 31 2 *",
     "60 * * * * *", "L", "UTC", "github", "none", "${env:A}", "{timestamp}.{body}", "sha256", "earliest", "skip"]
)  # fmt: skip
KEYS = st.sampled_from(
    ["topic", "format", "schema", "from", "until", "filter", "input", "name", "batch", "size", "seconds", "rate",
     "control", "header", "secret", "cron", "timezone", "every_s", "jitter_s", "missed", "overlap", "catch_up_s",
     "signature", "preset", "signed", "dedupe", "a", "a.$"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(), inner, max_size=4),
    max_leaves=8,
)


def refusal(act: Callable[[], object]) -> InvalidRequest | MappingFailed | None:
    """What is raised on purpose; anything else fails the test."""
    try:
        act()
    except (InvalidRequest, MappingFailed) as refused:
        return refused
    return None


@given(st.sampled_from(KINDS), st.dictionaries(KEYS, VALUES, max_size=6))
def test_settings_are_taken_or_refused_by_field(kind: str, settings: dict[str, Json]) -> None:
    refused = refusal(lambda: check_trigger("name", kind, settings))
    assert refused is None or refused.field


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4), VALUES)
def test_a_mapping_maps_fails_with_its_field_or_leaves_out(settings: dict[str, Json], event: Json) -> None:
    refused = refusal(lambda: read_mapping(settings))
    if refused is None:
        mapping = read_mapping(settings)
        failed = refusal(lambda: mapping.apply(event, now_ms=0, seed=0))
        assert failed is None or failed.field in FIELDS
    else:
        assert refused.field in settings
