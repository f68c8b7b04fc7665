"""What every store promises, whatever it stands on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sfc.store.ids import first_position
from sfc.store.journal import (
    Batch,
    Child,
    ExecutionChange,
    JournalRow,
    Kept,
    Lease,
    NewExecution,
    Part,
    Pause,
    QueuedTask,
    Redrive,
    Store,
    Waiting,
    Wanted,
)
from sfc.store.memory import MemoryStore
from sfc.store.sqlite import SqliteStore
from tests.contract.stores import NOW, Writer


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = MemoryStore(shards=2) if request.param == "memory" else SqliteStore(tmp_path / "sfc.db", shards=2)
    yield made
    made.close()


def own(store: Store, shard: int = 0, owner: str = "a") -> Lease:
    lease = store.acquire(shard, owner)
    assert lease is not None
    return lease


@pytest.fixture
def writer(store: Store) -> Writer:
    return Writer(own(store))


def put(store: Store, writer: Writer, *new: NewExecution, changes: list[ExecutionChange] | None = None) -> Batch:
    batch = writer.batch(list(new), changes=changes)
    assert store.commit(batch).written
    writer.wrote(batch)
    return batch


def test_what_a_batch_holds_is_read_back_as_it_was(store: Store, writer: Writer) -> None:
    new = writer.new("n")
    batch = writer.batch([new], [(new.id, b'{"a":1}'), (new.id, b"")])
    assert store.commit(batch).written
    assert store.journal(new.id) == batch.parts[0].rows
    assert store.started(new.id) == batch.parts[0].rows[0]
    row = store.get(new.id)
    assert row is not None
    assert (row.machine, row.name, row.version, row.kind) == ("orders", "n", 1, "STANDARD")
    assert (row.status, row.started_at, row.wake_at, row.output) == ("RUNNING", NOW, 0, None)
    assert store.find("orders", "n") == row


def test_nothing_is_found_of_what_was_never_written(store: Store) -> None:
    assert store.get(5) is None
    assert store.find("orders", "n") is None
    assert store.journal(5) == []
    assert store.started(5) is None
    assert store.list(Wanted(machine="orders"), None, 10) == []
    assert store.count_by_status(None) == {}


def test_a_change_shows_in_the_index_row(store: Store, writer: Writer) -> None:
    one, other = writer.new("one"), writer.new("other")
    put(store, writer, one, other)
    put(store, writer, changes=[
        ExecutionChange(one.id, None, "SUCCEEDED", NOW + 5, b"[1]"),
        ExecutionChange(other.id, None, "FAILED", NOW + 6, None, "Bad", "why"),
    ])  # fmt: skip
    ended, failed = store.get(one.id), store.get(other.id)
    assert ended is not None
    assert failed is not None
    assert (ended.status, ended.stopped_at, ended.output, ended.wake_at) == ("SUCCEEDED", NOW + 5, b"[1]", None)
    assert (failed.status, failed.error, failed.cause, failed.output) == ("FAILED", "Bad", "why", None)


def test_more_rows_than_one_statement_takes_are_written_in_order(store: Store, writer: Writer) -> None:
    many = [writer.new(f"n{number}") for number in range(777)]
    put(store, writer, *many)
    put(store, writer, changes=[ExecutionChange(new.id, NOW + 1) for new in many])
    assert [row.id for row in store.awake(0, NOW + 1, (0, 0), 1000)] == [new.id for new in many]
    assert own(store).next_position == first_position(0) + 777


class TestNames:
    def test_the_second_of_a_name_is_reported_and_nothing_is_written(self, store: Store, writer: Writer) -> None:
        first = writer.new("n")
        put(store, writer, first)
        again, free = writer.new("n"), writer.new("m")
        outcome = store.commit(writer.batch([again, free]))
        assert outcome.taken == {again.id}
        assert store.find("orders", "m") is None
        assert own(store).next_position == writer.position

    def test_of_two_in_one_batch_exactly_one_is_taken(self, store: Store, writer: Writer) -> None:
        one, two = writer.new("n"), writer.new("n")
        assert len(store.commit(writer.batch([one, two])).taken) == 1

    def test_another_machine_may_have_the_same_name(self, store: Store, writer: Writer) -> None:
        put(store, writer, writer.new("n"), writer.new("n", "billing"))
        assert store.find("billing", "n") != store.find("orders", "n")

    def test_express_executions_may_share_a_name(self, store: Store, writer: Writer) -> None:
        put(store, writer, writer.new("n", kind="EXPRESS"), writer.new("n", kind="EXPRESS"), writer.new("n"))
        found = store.find("orders", "n")
        assert found is not None
        assert found.kind == "STANDARD"


class TestLeases:
    def test_a_held_shard_is_given_to_nobody_else(self, store: Store, writer: Writer) -> None:
        assert store.acquire(0, "b") is None
        assert store.acquire(1, "b") is not None

    def test_a_released_shard_goes_to_the_next(self, store: Store, writer: Writer) -> None:
        put(store, writer, writer.new("n"))
        store.release(writer.lease)
        lease = own(store, owner="b")
        assert lease.epoch == writer.lease.epoch + 1
        assert lease.next_position == writer.position

    def test_ids_go_on_above_the_last_one(self, store: Store, writer: Writer) -> None:
        last = writer.new("n")
        put(store, writer, last)
        assert own(store).last_id == last.id
        assert own(store, shard=1).last_id < last.id

    def test_a_former_epoch_writes_nothing(self, store: Store, writer: Writer) -> None:
        own(store)
        new = writer.new("n")
        assert store.commit(writer.batch([new])).lost == {0}
        assert store.get(new.id) is None

    def test_releasing_a_lost_lease_does_not_free_the_shard(self, store: Store, writer: Writer) -> None:
        own(store)
        store.release(writer.lease)
        assert store.acquire(0, "b") is None

    def test_a_lost_part_is_named_and_the_other_is_not_written_either(self, store: Store, writer: Writer) -> None:
        second = Writer(own(store, shard=1))
        lost, kept = writer.new("n"), second.new("m")
        own(store)
        parts: list[Part] = writer.batch([lost]).parts + second.batch([kept]).parts
        assert store.commit(Batch(5, "a", parts)).lost == {0}
        assert store.get(kept.id) is None
        assert store.commit(Batch(6, "a", parts[1:])).written
        assert store.get(kept.id) is not None


class TestSettle:
    def test_a_written_batch_settles_as_written(self, store: Store, writer: Writer) -> None:
        assert store.settle(put(store, writer, writer.new("n")))

    def test_a_batch_that_never_arrived_does_not(self, store: Store, writer: Writer) -> None:
        put(store, writer, writer.new("m"))
        assert not store.settle(writer.batch([writer.new("n")]))

    def test_it_is_known_still_after_another_owner_went_on(self, store: Store, writer: Writer) -> None:
        written = put(store, writer, writer.new("n"))
        successor = Writer(own(store))
        put(store, successor, successor.new("later"))
        assert store.settle(written)

    def test_the_rows_of_a_successor_at_the_same_place_do_not_count(self, store: Store, writer: Writer) -> None:
        never = writer.batch([writer.new("n")])
        successor = Writer(own(store))
        other = successor.new("later")
        assert store.commit(successor.batch([other], [(other.id, b"other")])).written
        assert not store.settle(never)


class TestAwake:
    def test_only_what_is_due_comes_in_the_order_of_its_time(self, store: Store, writer: Writer) -> None:
        late, soon, now = writer.new("late", wake_at=30), writer.new("soon", wake_at=20), writer.new("now")
        put(store, writer, late, soon, now)
        assert [row.name for row in store.awake(0, 20, (0, 0), 10)] == ["now", "soon"]

    def test_pages_follow_each_other(self, store: Store, writer: Writer) -> None:
        put(store, writer, *(writer.new(f"n{number}", wake_at=number // 2) for number in range(7)))
        after, names = (0, 0), []
        while page := store.awake(0, 99, after, 2):
            names += [row.name for row in page]
            after = (page[-1].wake_at or 0, page[-1].id)
        assert names == [f"n{number}" for number in range(7)]

    def test_ended_executions_and_other_shards_stay_out(self, store: Store, writer: Writer) -> None:
        second, ended = Writer(own(store, shard=1)), writer.new("n")
        put(store, writer, ended)
        put(store, second, second.new("m"))
        put(store, writer, changes=[ExecutionChange(ended.id, None, "ABORTED", NOW)])
        assert store.awake(0, NOW, (0, 0), 10) == []
        assert [row.name for row in store.awake(1, NOW, (0, 0), 10)] == ["m"]


class TestFacts:
    def test_facts_of_a_shard_come_in_pages_in_their_order(self, store: Store, writer: Writer) -> None:
        second, first = Writer(own(store, shard=1)), [writer.new(f"n{number}") for number in range(3)]
        put(store, writer, *first)
        put(store, second, second.new("m"))
        more = writer.batch(entries=[(first[0].id, b"1"), (first[2].id, b"2")])
        assert store.commit(more).written
        seen: list[JournalRow] = []
        while page := store.facts(0, seen[-1].position if seen else 0, 2):
            assert len(page) <= 2
            seen += page
        assert [row.execution for row in seen] == [each.id for each in (*first, first[0], first[2])]
        assert [row.position for row in seen] == list(range(seen[0].position, seen[0].position + 5))
        assert len(store.facts(1, 0, 10)) == 1

    def test_a_checkpoint_is_that_of_its_reader_and_shard(self, store: Store) -> None:
        assert store.checkpoint("search", 0) == 0
        store.put_checkpoint("search", 0, 5)
        store.put_checkpoint("search", 0, 7)
        store.put_checkpoint("events", 1, 9)
        assert [store.checkpoint(*of) for of in (("search", 0), ("search", 1), ("events", 1))] == [7, 0, 9]


class TestPauses:
    def test_what_is_parked_comes_by_its_time_and_is_not_awake(self, store: Store, writer: Writer) -> None:
        put(store, writer, *(writer.new(f"n{due}", wake_at=-due) for due in (30, 20, 50, 40)), writer.new("now"))
        after, names = (0, 0), []
        while page := store.parked(0, after, 3):
            names += [row.name for row in page]
            after = (page[-1].wake_at or 0, page[-1].id)
        assert names == ["n20", "n30", "n40", "n50"]
        assert [row.name for row in store.awake(0, 99, (-1, 0), 10)] == ["now"]

    def test_what_is_parked_in_another_shard_stays_out(self, store: Store, writer: Writer) -> None:
        second = Writer(own(store, shard=1))
        put(store, second, second.new("m", wake_at=-5))
        assert store.parked(0, (0, 0), 10) == []
        assert [row.name for row in store.parked(1, (0, 0), 10)] == ["m"]

    def test_a_pause_is_kept_in_the_place_of_what_it_was(self, store: Store) -> None:
        first, group = Pause("blueprint", "orders", 5), Pause("group", "orders", 7)
        for pause in (group, first, first._replace(resumed_at=9, rate=2.5)):
            store.put_pause(pause)
        assert store.pauses() == [Pause("blueprint", "orders", 5, 9, None, 2.5), group]

    def test_a_pause_is_written_with_a_batch_or_not_at_all(self, store: Store, writer: Writer) -> None:
        pause = Pause("blueprint", "orders", 5)
        batch = writer.batch([writer.new("n")])
        batch.parts[0].kept = Kept(pauses=[pause])
        successor = own(store)
        assert store.commit(batch).lost
        assert store.pauses() == []
        batch = Writer(successor).batch()
        batch.parts[0].kept = Kept(pauses=[pause])
        assert store.commit(batch).written
        assert store.pauses() == [pause]

    def test_only_old_pauses_of_that_name_are_forgotten(self, store: Store) -> None:
        kept = [Pause("blueprint", "orders", 9), Pause("blueprint", "other", 1), Pause("group", "orders", 1)]
        for pause in (*kept, Pause("blueprint", "orders", 3)):
            store.put_pause(pause)
        store.forget_pauses("blueprint", "orders", 9)
        assert sorted(store.pauses()) == sorted(kept)


class TestLists:
    @pytest.fixture
    def listed(self, store: Store, writer: Writer) -> list[int]:
        new = [writer.new(f"n{number}", "orders" if number % 2 else "billing") for number in range(6)]
        put(store, writer, *new)
        put(store, writer, changes=[ExecutionChange(new[number].id, None, "FAILED", NOW) for number in (1, 2)])
        return [execution.id for execution in new]

    @pytest.mark.parametrize(
        ("machine", "status", "names"),
        [
            (None, None, ["n5", "n4", "n3", "n2", "n1", "n0"]),
            ("orders", None, ["n5", "n3", "n1"]),
            (None, "FAILED", ["n2", "n1"]),
            ("orders", "RUNNING", ["n5", "n3"]),
        ],
    )
    def test_newest_come_first(
        self, store: Store, listed: list[int], machine: str | None, status: str | None, names: list[str]
    ) -> None:
        assert [row.name for row in store.list(Wanted(machine=machine, status=status), None, 10)] == names

    @pytest.mark.parametrize(
        ("wanted", "names"),
        [
            (Wanted(machine="orders", published=1), ["v1", "a"]),
            (Wanted(machine="orders", alias="live"), ["a"]),
            (Wanted(machine="orders", redriven=True), ["a"]),
            (Wanted(machine="orders", redriven=False), ["plain", "v1"]),
        ],
    )
    def test_executions_are_found_by_how_they_began_and_began_again(
        self, store: Store, writer: Writer, wanted: Wanted, names: list[str]
    ) -> None:
        through_alias = writer.new("a")._replace(published=1, alias="live")
        put(store, writer, through_alias, writer.new("v1")._replace(published=1), writer.new("plain"))
        put(store, writer, changes=[ExecutionChange(through_alias.id, None, "FAILED", NOW)])
        again = writer.batch(changes=[ExecutionChange(through_alias.id, 0)])
        again.parts[0].kept = Kept(redrives=[Redrive(through_alias.id, 1, NOW + 5)])
        assert store.commit(again).written
        assert [row.name for row in store.list(wanted, None, 10)] == names
        row = store.get(through_alias.id)
        assert row is not None
        assert (row.status, row.redrives, row.redriven_at, row.published, row.alias) == (
            "RUNNING", 1, NOW + 5, 1, "live",
        )  # fmt: skip

    def test_a_page_goes_on_below_an_id(self, store: Store, listed: list[int]) -> None:
        assert [row.name for row in store.list(Wanted(), listed[4], 2)] == ["n3", "n2"]

    def test_executions_are_counted_by_status(self, store: Store, listed: list[int]) -> None:
        assert store.count_by_status(None) == {"RUNNING": 4, "FAILED": 2}
        assert store.count_by_status("orders") == {"RUNNING": 2, "FAILED": 1}

    def test_a_forgotten_machine_leaves_its_running_executions_and_all_others(
        self, store: Store, listed: list[int]
    ) -> None:
        assert store.forget_machine("orders") == 1
        assert store.get(listed[1]) is None
        assert store.journal(listed[1]) == []
        assert store.count_by_status(None) == {"RUNNING": 4, "FAILED": 1}


def keep(store: Store, writer: Writer, kept: Kept, changes: list[ExecutionChange] | None = None) -> None:
    batch = writer.batch([], [], changes)
    batch.parts[0].kept = kept
    assert store.commit(batch).written


FIRST = Child(0, Waiting(0, 0, 0))


def test_a_child_stands_until_its_parent_is_answered(store: Store, writer: Writer) -> None:
    parent, child = writer.new("p"), writer.new("c")
    put(store, writer, parent, child)
    waiting = Waiting(parent.id, 3, 1)
    keep(store, writer, Kept(children=[Child(child.id, waiting)]))
    assert store.parents(child.id) == [waiting]
    assert store.children(parent.id) == [Child(child.id, waiting)]
    assert store.parents(parent.id) == store.children(child.id) == []
    keep(store, writer, Kept(answered=[Waiting(parent.id, 3, 2)]))
    assert store.parents(child.id) == [waiting]
    keep(store, writer, Kept(answered=[waiting]))
    assert store.parents(child.id) == store.children(parent.id) == []


def test_children_that_ended_unheard_are_found_page_by_page(store: Store, writer: Writer) -> None:
    parent, running, ended = writer.new("p"), writer.new("r"), writer.new("e")
    put(store, writer, parent, running, ended)
    links = [Child(ended.id, Waiting(parent.id, task, 1)) for task in (1, 2, 3)]
    keep(store, writer, Kept(children=[*links, Child(running.id, Waiting(parent.id, 4, 1))]))
    assert store.ended_children(0, FIRST, 10) == []
    put(store, writer, changes=[ExecutionChange(ended.id, None, "SUCCEEDED", NOW)])
    assert store.ended_children(0, FIRST, 2) == links[:2]
    assert store.ended_children(0, links[1], 2) == links[2:]
    assert store.ended_children(1, FIRST, 10) == []


def test_a_child_that_is_forgotten_has_ended(store: Store, writer: Writer) -> None:
    parent, child = writer.new("p"), writer.new("c", machine="gone")
    put(store, writer, parent, child)
    link = Child(child.id, Waiting(parent.id, 1, 1))
    keep(store, writer, Kept(children=[link]), [ExecutionChange(child.id, None, "SUCCEEDED", NOW)])
    store.forget_machine("gone")
    assert store.ended_children(0, FIRST, 10) == [link]


def test_children_that_run_on_without_a_parent_are_found(store: Store, writer: Writer) -> None:
    parent, child = writer.new("p"), writer.new("c")
    put(store, writer, parent, child)
    link = Child(child.id, Waiting(parent.id, 1, 1))
    keep(store, writer, Kept(children=[link]))
    assert store.orphans(0, FIRST, 10) == []
    put(store, writer, changes=[ExecutionChange(parent.id, None, "ABORTED", NOW)])
    assert store.orphans(0, FIRST, 10) == [link]
    assert store.orphans(0, link, 10) == store.orphans(1, FIRST, 10) == []


def test_tasks_of_an_activity_wait_in_order_until_they_are_taken(store: Store, writer: Writer) -> None:
    one, two = writer.new("a"), writer.new("b")
    put(store, writer, one, two)
    tasks = [
        QueuedTask("pack", NOW, Waiting(two.id, 9, 1)),
        QueuedTask("pack", NOW + 1, Waiting(one.id, 1, 1)),
        QueuedTask("pack", NOW + 1, Waiting(one.id, 2, 1)),
    ]
    keep(store, writer, Kept(queued=[*reversed(tasks), QueuedTask("other", NOW, Waiting(one.id, 5, 1))]))
    assert store.queue("pack", 10) == tasks
    assert store.queue("pack", 2) == tasks[:2]
    keep(store, writer, Kept(taken=[tasks[0].waiting]))
    assert store.queue("pack", 10) == tasks[1:]
    assert store.queue("nobody", 10) == []


def test_what_comes_and_goes_in_one_batch_is_gone(store: Store, writer: Writer) -> None:
    waiting = Waiting(7, 1, 1)
    queued = QueuedTask("pack", NOW, waiting)
    keep(store, writer, Kept([Child(8, waiting)], [queued], answered=[waiting], taken=[waiting]))
    assert store.queue("pack", 10) == store.children(7) == []


def test_a_store_has_one_secret(store: Store) -> None:
    assert len(store.secret()) == 32
    assert store.secret() == store.secret()


def test_a_database_keeps_its_secret(tmp_path: Path) -> None:
    stores = [SqliteStore(tmp_path / name) for name in ("a.db", "a.db", "b.db")]
    one, same, other = (store.secret() for store in stores)
    assert one == same != other
    for store in stores:
        store.close()


def test_the_test_case_of_an_execution_is_told_while_it_runs(store: Store, writer: Writer) -> None:
    running, ended = writer.new("running"), writer.new("ended")
    batch = writer.batch([running, ended], changes=[ExecutionChange(ended.id, None, "SUCCEEDED", NOW)])
    batch.parts[0].kept = Kept(test_cases=[(running.id, "Happy"), (ended.id, "Sad")])
    assert store.commit(batch).written
    assert store.test_cases() == {running.id: "Happy"}
    store.forget_machine(ended.machine)
    assert store.test_cases() == {running.id: "Happy"}


def test_entries_of_one_kind_are_read_in_pages(store: Store, writer: Writer) -> None:
    one, other = writer.new("one"), writer.new("other")
    batch = writer.batch([one, other], [(one.id, b"0"), (other.id, b"x"), (one.id, b"1"), (one.id, b"2")])
    rows = batch.parts[0].rows
    rows[2] = rows[2]._replace(kind=2)
    assert store.commit(batch).written
    assert store.entries(one.id, 1, 0, 10) == [rows[0], rows[3]]
    assert store.entries(one.id, 1, 0, 1) == [rows[0]]
    assert store.entries(one.id, 1, rows[0].position, 10) == [rows[3]]
    assert store.entries(one.id, 1, rows[3].position, 10) == []
    assert store.entries(7, 1, 0, 10) == []


def test_a_family_is_a_machine_with_the_children_of_its_maps(store: Store, writer: Writer) -> None:
    names = ["orders", "orders/Each", "orders/Other", "orders2", "order", "orders-x"]
    new = [writer.new("n", machine) for machine in names]
    put(store, writer, *new, changes=[])
    family = store.list(Wanted(family="orders"), None, 10)
    assert sorted(row.machine for row in family) == ["orders", "orders/Each", "orders/Other"]
    ended = [ExecutionChange(each.id, None, "SUCCEEDED", NOW + 1, b"1") for each in new[:2]]
    put(store, writer, changes=ended)
    assert store.forget_machine("orders") == 2
    assert [row.machine for row in store.list(Wanted(family="orders"), None, 10)] == ["orders/Other"]
    assert len(store.list(Wanted(), None, 10)) == 4


def test_names_can_be_asked_for_by_their_beginning(store: Store, writer: Writer) -> None:
    put(store, writer, *[writer.new(name) for name in ("a-1", "b-1", "b-2", "c")])
    found = store.list(Wanted(machine="orders", names=("b-", "b-g")), None, 10)
    assert [row.name for row in found] == ["b-2", "b-1"]
    assert [row.name for row in store.list(Wanted(machine="orders", names=("b-", "b-g")), found[0].id, 10)] == ["b-1"]


def test_the_oldest_pin_is_that_of_an_execution_that_runs(store: Store, writer: Writer) -> None:
    ended, running, free = writer.new("ended"), writer.new("running"), writer.new("free")
    batch = writer.batch([ended, running, free], changes=[ExecutionChange(ended.id, None, "SUCCEEDED", NOW)])
    rows = batch.parts[0].rows
    rows[:] = [row._replace(attempt=pin) for row, pin in zip(rows, (3, 5, 0), strict=True)]  # type: ignore[index]
    assert store.oldest_pin() is None
    assert store.commit(batch).written
    assert store.oldest_pin() == 5


def test_a_journal_is_read_in_pages_and_from_its_end(store: Store, writer: Writer) -> None:
    new = writer.new("n")
    batch = writer.batch([new], [(new.id, b"%d" % number) for number in range(5)])
    assert store.commit(batch).written
    rows = batch.parts[0].rows
    assert store.journal(new.id, 0, 2) == rows[:2]
    assert store.journal(new.id, rows[1].position, 2) == rows[2:4]
    assert store.journal(new.id, rows[2].position) == rows[3:]
    assert store.journal(new.id, rows[4].position) == []
    assert store.latest(new.id, 2) == rows[3:]
    assert store.latest(new.id, 9) == rows
    assert store.latest(7, 1) == []
