"""What `sfc up` leaves on disk, and how a successor tells what is alive."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from serve.platform.state import (
    AlreadyRunning,
    ProcessId,
    State,
    end,
    family,
    is_locked,
    lock,
    read_state,
    state_file,
    write_state,
)

ME = ProcessId.of(psutil.Process(os.getpid()))
STATE = State(up=ME, url="http://127.0.0.1:8000", ray_address="127.0.0.1:1", ray_directory="/x", processes=(ME,))


def sleeper() -> subprocess.Popen[bytes]:
    """A process with a child; both sleep."""
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    process = subprocess.Popen([sys.executable, "-c", code])
    while not psutil.Process(process.pid).children():
        os.sched_yield()
    return process


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    assert read_state(tmp_path) == STATE
    assert [path.name for path in tmp_path.iterdir()] == ["up.json"]


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"up": 1, "processes": []}'])
def test_a_file_that_makes_no_sense_is_no_state(tmp_path: Path, text: str) -> None:
    state_file(tmp_path).write_text(text)
    assert read_state(tmp_path) is None


def test_only_one_process_works_on_the_same_data(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    handle = lock(tmp_path)
    assert is_locked(tmp_path)
    with pytest.raises(AlreadyRunning, match=rf"http://127.0.0.1:8000 \(pid {ME.pid}\)"):
        lock(tmp_path)
    os.close(handle)
    assert not is_locked(tmp_path)


def test_asking_whether_data_are_taken_does_not_make_a_directory(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_process_number_given_to_somebody_else_is_not_the_same_process() -> None:
    assert ME.find() is not None
    assert replace(ME, created=ME.created - 60).find() is None


def test_ending_a_process_ends_its_children_and_nobody_else() -> None:
    victim, bystander = sleeper(), sleeper()
    known = ProcessId.of(psutil.Process(victim.pid))
    stranger = replace(ProcessId.of(psutil.Process(bystander.pid)), created=0)
    try:
        assert len(family([known])) == 2
        assert end([known, stranger]) == 2
        assert victim.wait() < 0
        assert family([known]) == []
        assert bystander.poll() is None
    finally:
        end([ProcessId.of(psutil.Process(bystander.pid))])
        bystander.wait()
