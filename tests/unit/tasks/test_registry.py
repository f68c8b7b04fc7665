"""Registration and lookup of handlers."""

from pathlib import Path

import pytest

from sfc.tasks import HandlersNotLoaded, TaskAlreadyRegistered, TaskRegistry, default_registry, load_handlers, task


def test_a_registered_function_stays_what_it_was(registry: TaskRegistry) -> None:
    @task("double", registry=registry)
    def double(number: int) -> int:
        return 2 * number

    assert double(4) == 8
    assert registry.names() == ["double"]


def test_a_second_task_of_the_same_name_is_refused(registry: TaskRegistry) -> None:
    registry.add("double", lambda number: 2 * number)
    with pytest.raises(TaskAlreadyRegistered, match="double"):
        registry.add("double", lambda number: number + number)


def test_the_longest_pattern_that_fits_wins_and_an_exact_name_over_all(registry: TaskRegistry) -> None:
    for name in ("arn:aws:states:::*", "arn:aws:states:::dynamodb:*", "arn:aws:states:::dynamodb:putItem"):
        registry.add(name, lambda value: value)
    found = [registry.matching(f"arn:aws:states:::{end}") for end in ("dynamodb:putItem", "dynamodb:getItem", "sns:x")]
    assert [handler and handler.name for handler in found] == [
        "arn:aws:states:::dynamodb:putItem",
        "arn:aws:states:::dynamodb:*",
        "arn:aws:states:::*",
    ]


def test_a_file_is_loaded_once_and_sees_its_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "neighbour_of_handlers.py").write_text("NAME = 'loaded-from-a-file'\n")
    file = tmp_path / "handlers.py"
    file.write_text(
        "from neighbour_of_handlers import NAME\nfrom sfc.tasks import task\n\n@task(NAME)\ndef f(x): return x\n"
    )
    load_handlers([str(file), str(file)])
    assert default_registry.named("loaded-from-a-file") is not None


@pytest.mark.parametrize(
    ("module", "why"),
    [("no.such.module", "No module named"), ("nowhere.py", "nowhere"), ("broken.py", "ZeroDivisionError")],
)
def test_a_module_that_cannot_be_loaded_is_one_clear_error(tmp_path: Path, module: str, why: str) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    name = str(tmp_path / module) if module.endswith(".py") else module
    with pytest.raises(HandlersNotLoaded, match=why):
        load_handlers([name])
