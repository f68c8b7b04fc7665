"""What a trigger makes of an event."""

import pytest

from sfc.errors import InvalidRequest
from sfc.jsonvalue import Json
from sfc.triggers.mapping import Mapped, MappingFailed, read_mapping

RECORD = {
    "value": {"id": 4711, "total": 12.5, "items": [{"sku": "a", "count": 2}, {"sku": "b", "count": 0}]},
    "key": "k-1",
    "headers": {"source": "shop"},
}


def mapped(settings: dict[str, Json], event: Json = RECORD, default: str = "$.value") -> Mapped | None:
    return read_mapping(settings, default).apply(event, now_ms=1_790_000_000_000, seed=1)


@pytest.mark.parametrize(
    ("source", "input"),
    [
        ("$.value.id", 4711),
        ("$", RECORD),
        ("{% $states.input.value.total * 2 %}", 25),
        ({"id.$": "$.value.id", "note": "as it is"}, {"id": 4711, "note": "as it is"}),
        ({"who": "{% $states.input.headers.source %}", "n": [1, "{% 1 + 1 %}"]}, {"who": "shop", "n": [1, 2]}),
        ("States.Format('{}-{}', $.key, $.value.id)", "k-1-4711"),
        ("a text", "a text"),
        ({"constant": True}, {"constant": True}),
        ([], []),
    ],
)
def test_the_input_is_made_of_the_event(source: Json, input: Json) -> None:
    found = mapped({"input": source})
    assert found is not None
    assert found.input == input


def test_without_a_mapping_the_input_is_the_default_part_of_the_event() -> None:
    assert mapped({}) == Mapped(RECORD["value"], None)
    assert mapped({}, default="$") == Mapped(RECORD, None)


@pytest.mark.parametrize(
    ("source", "passes"),
    [
        ("{% $states.input.value.total > 10 %}", True),
        ("{% $states.input.value.total > 100 %}", False),
        ("{% $states.input.value.nothing > 1 %}", False),
        ("{% $states.input.headers.source = 'shop' and $states.input.key = 'k-1' %}", True),
        ("$.value.id", True),
        ("$.value.nothing", False),
        ("$.value.items[?(@.count > 1)]", True),
        ("$.value.items[?(@.count > 5)]", False),
    ],
)
def test_a_filter_passes_what_holds_and_leaves_out_what_does_not(source: str, passes: bool) -> None:
    assert (mapped({"filter": source}) is not None) is passes


@pytest.mark.parametrize(("value", "passes"), [(True, True), (False, False), (None, False), (0, True), ("", True)])
def test_a_path_as_filter_passes_all_but_false_and_null(value: Json, passes: bool) -> None:
    assert (mapped({"filter": "$.value"}, {"value": value}) is not None) is passes


@pytest.mark.parametrize(
    ("source", "name"), [("{% 'order-' & $states.input.value.id %}", "order-4711"), ("$.value.id", "4711")]
)
def test_the_name_is_a_text(source: str, name: str) -> None:
    found = mapped({"name": source})
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("settings", "field", "detail"),
    [
        ({"input": "$.value.nothing"}, "input", "$.value.nothing"),
        ({"input": {"a.$": "$.nothing"}}, "input", "'a.$'"),
        ({"input": "{% $states.input.value.nothing %}"}, "input", "returned nothing"),
        ({"input": "{% 1 + 'a' %}"}, "input", "T2002"),
        ({"filter": "{% $states.input.key > 1 %}"}, "filter", "T2009"),
        ({"filter": "{% 'yes' %}"}, "filter", "must give true or false"),
        ({"name": "{% $states.input.value.items %}"}, "name", "must give a text"),
        ({"name": "{% 'a b' %}"}, "name", "Invalid Name: 'a b'"),
        ({"name": "$.value.total"}, "name", "must give a text"),
        ({"name": "{% '' %}"}, "name", "must give a text"),
        ({"input": "{% $map([1..1000000], function($v) { $v }) %}"}, "input", "threw an error"),
    ],
)
def test_an_event_that_cannot_be_mapped_says_which_field_and_why(
    settings: dict[str, Json], field: str, detail: str
) -> None:
    with pytest.raises(MappingFailed) as failed:
        mapped(settings)
    assert failed.value.field == field
    assert detail in failed.value.detail


def test_an_input_larger_than_an_execution_takes_is_told_with_its_size() -> None:
    found = mapped({}, {"value": "x" * 262_143})
    assert found is not None
    with pytest.raises(MappingFailed, match="262,145 bytes"):
        found.payload()


def test_the_same_event_time_and_seed_give_the_same_chance() -> None:
    mapping = read_mapping({"input": "{% [$uuid(), $now()] %}"})
    first, again, other = (mapping.apply({}, now_ms=1_790_000_000_000, seed=seed) for seed in (7, 7, 8))
    assert first == again != other


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"filter": True}, "filter must be an expression"),
        ({"filter": "value > 1"}, "filter must be an expression"),
        ({"filter": "{% $states.input.( %}"}, "filter"),
        ({"filter": "{% $states.result %}"}, "$states.result"),
        ({"name": "order"}, "name must be an expression"),
        ({"name": 1}, "name must be an expression"),
        ({"input": "$.a["}, "input"),
        ({"input": {"a.$": "nothing"}}, "input"),
        ({"input": {"a.$": "$.a", "b": "{% 1 %}"}}, "input mixes"),
        ({"input": "{% 1"}, "input"),
    ],
)
def test_a_mapping_that_cannot_be_read_is_refused_by_field(settings: dict[str, Json], text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_mapping(settings)
    assert refused.value.field == next(iter(settings))
    assert text in refused.value.message
