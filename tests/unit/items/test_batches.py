"""Items in batches."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfc.asl.expression import FlowError
from sfc.interpreter.map_specs import BatchSpec
from sfc.items.batches import ChildInput, child_inputs


def made(values: list[Any], spec: BatchSpec | None, first: int = 0) -> list[ChildInput]:
    return list(child_inputs(((value, index) for index, value in enumerate(values)), spec, first))


def test_without_a_batcher_each_item_is_a_child() -> None:
    assert made(["a", 2], None, 5) == [ChildInput(5, b'"a"', 1, 0), ChildInput(6, b"2", 1, 1)]


def test_a_batch_has_items_its_own_input_and_the_place_of_its_last_item() -> None:
    batches = made([1, 2, 3], BatchSpec(max_items=2, input={"rate": "5%"}))
    assert [(b.number, json.loads(b.input), b.items, b.place) for b in batches] == [
        (0, {"BatchInput": {"rate": "5%"}, "Items": [1, 2]}, 2, 1),
        (1, {"BatchInput": {"rate": "5%"}, "Items": [3]}, 1, 2),
    ]
    assert json.loads(made([1], BatchSpec(max_items=2))[0].input) == {"Items": [1]}


@given(st.lists(st.text(max_size=20), max_size=30), st.integers(1, 5) | st.none(), st.integers(30, 80) | st.none())
def test_batches_keep_order_and_limits_and_lose_nothing(values: list[str], most: int | None, size: int | None) -> None:
    spec = BatchSpec(max_items=most, max_bytes=size)
    batches = made(values, spec)
    assert [value for batch in batches for value in json.loads(batch.input)["Items"]] == values
    for batch in batches:
        assert batch.items == len(json.loads(batch.input)["Items"]) <= (most or 30)
        assert size is None or len(batch.input) <= size or batch.items == 1
    for batch in batches:  # what is left makes the same batches
        rest = made(values[batch.place + 1 :], spec, batch.number + 1)
        assert [each.input for each in rest] == [each.input for each in batches[batch.number + 1 :]]


def test_a_child_input_above_256_kib_fails() -> None:
    for spec in (None, BatchSpec(max_items=3)):
        with pytest.raises(FlowError, match=r"States\.DataLimitExceeded"):
            made(["x" * 270_000], spec)
