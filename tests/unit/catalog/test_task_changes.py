"""What a task means to an execution depends on nothing but the change it pinned."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sfc.catalog.memory import MemoryShelf
from sfc.catalog.tasks import Tasks
from sfc.task_meta import TaskMeta

META = TaskMeta(name="", version="", kind="rest", settings={"url": "https://x.example"})
NAMES = ("a", "b")
STEPS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["put", "same", "delete"])), max_size=25)


@given(STEPS)
def test_the_latest_version_at_a_change_is_what_it_was_then(steps: list[tuple[str, str]]) -> None:
    shelf = MemoryShelf()
    tasks = Tasks(shelf, lambda: 0)
    latest: dict[str, str | None] = dict.fromkeys(NAMES)
    seen = [(0, dict(latest))]
    for number, (name, step) in enumerate(steps):
        if step == "delete":
            if latest[name] is None:
                continue
            tasks.delete(name)
            latest[name] = None
        elif step == "same" and latest[name] is not None:
            before = tasks.last()
            tasks.put(tasks.get(name)[1])
            assert tasks.last() == before
        else:
            latest[name] = tasks.put(replace(META, name=name, description=str(number))).digest
        seen.append((tasks.last(), dict(latest)))
    for store in (tasks, Tasks(shelf, lambda: 0)):
        for change, then in seen:
            found = {name: store.at(name, "", change) for name in NAMES}
            assert {name: None if each is None else each.digest for name, each in found.items()} == then
        assert [each.name for each in store.latest()] == sorted(name for name, each in latest.items() if each)
