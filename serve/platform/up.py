"""`sfc up` on Ray: starts a head, has the application deployed on it, and watches over both until told to stop."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from serve.ingress import bind
from serve.platform.head import HeadFailed, RayHead
from serve.platform.state import ProcessId, State, end, lock, read_state, state_file, write_state
from serve.settings import Settings
from sfc.errors import SfcError

Say = Callable[[str], None]

_DEPLOY_S: Final = 120.0
_RECORD_EVERY_S: Final = 2.0
_HEAD_ENDS_S: Final = 3.0
_MOST_DEATHS: Final = 3
"""Deaths of the head in a row, each within a minute of its start, after which we give up."""
_STABLE_S: Final = 60.0
_CPUS: Final = 16
"""Logical ones: actors here ask for fractions, and the system shares the real ones out."""


class Interrupted(Exception):
    """SIGTERM or Ctrl-C came."""


class HeadDied(Exception):
    """Ray's head ended while the application was being deployed on it."""


def claim(settings: Settings, say: Say) -> int:
    """Takes the data for this process, clears what a dead predecessor left. Raises AlreadyRunning or PortTaken."""
    directory = settings.directory
    directory.mkdir(parents=True, exist_ok=True)
    handle = lock(directory)
    before = read_state(directory)
    if before is not None:
        ended = end(before.processes)
        if ended:
            say(f"ended {ended} processes that an earlier `sfc up` on this data had left")
        if before.ray_directory:
            shutil.rmtree(before.ray_directory, ignore_errors=True)
        state_file(directory).unlink(missing_ok=True)
    bind(settings.host, settings.port).close()
    return handle


@dataclass
class Supervisor:
    """One life of `sfc up`. `run` returns when it was stopped."""

    settings: Settings
    say: Say
    _stopping: threading.Event = field(default_factory=threading.Event)
    _known: tuple[ProcessId, ...] = ()

    def run(self) -> None:
        """Keeps a head with the application on it. Raises SfcError when that cannot be done."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stopping.set())
        deaths = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            head = RayHead(self.settings.directory, _CPUS)
            try:
                self._live(head)
            finally:
                if self._stopping.is_set():
                    self.say("stopping")
                head.stop(self._known)
                self._known = ()
                state_file(self.settings.directory).unlink(missing_ok=True)
            if self._stopping.is_set():
                break
            deaths = 1 if time.monotonic() - began > _STABLE_S else deaths + 1
            if deaths >= _MOST_DEATHS:
                raise HeadFailed(f"Ray died {deaths} times in a row; see {self.settings.directory / 'ray.log'}")
            self.say("Ray died; starting it again (executions go on from the store)")

    def _live(self, head: RayHead) -> None:
        """From the start of a head to its death, or to the wish to stop."""
        self.say("starting Ray")
        head.start()
        self._record(head)
        self.say("starting workers and engine")
        try:
            self._deploy(head)
        except (Interrupted, HeadDied):
            return  # `run` knows which, and starts a new head after a death
        self._record(head)
        self.say(f"ready at {self.settings.url}")
        recorded = time.monotonic()
        while head.exit_code() is None:
            if self._stopping.wait(0.25):
                self._undeploy(head)
                return
            if time.monotonic() - recorded > _RECORD_EVERY_S:
                self._record(head)
                recorded = time.monotonic()

    def _record(self, head: RayHead) -> None:
        found = head.processes()
        if found == self._known:
            return
        self._known = found
        me = ProcessId.of(psutil.Process(os.getpid()))
        write_state(
            self.settings.directory,
            State(
                up=me,
                url=self.settings.url,
                ray_address=head.address,
                ray_directory=str(head.directory),
                processes=found,
            ),
        )

    def _deploy(self, head: RayHead) -> None:
        child = self._call(head, "deploy")
        deadline = time.monotonic() + _DEPLOY_S
        while child.poll() is None:
            died = head.exit_code() is not None
            if self._stopping.wait(0.05) or time.monotonic() > deadline or died:
                child.kill()
                child.wait()
                if self._stopping.is_set():
                    raise Interrupted
                if died:
                    raise HeadDied
                raise DeployFailed(f"the engine did not start; see {self._log}")
        if child.returncode != 0:
            # A dying head takes the child along before it has ended itself; which of the two it was shows soon.
            self._stopping.wait(_HEAD_ENDS_S)
            if head.exit_code() is not None:
                raise HeadDied
            raise DeployFailed(f"the engine did not start (see {self._log}): {last_line(self._log)}")
        while not is_ready(self.settings.url):
            if self._stopping.wait(0.05):
                raise Interrupted
            if head.exit_code() is not None:
                raise HeadDied
            if time.monotonic() > deadline:
                raise DeployFailed(f"the engine does not answer at {self.settings.url}")

    def _undeploy(self, head: RayHead) -> None:
        """Lets requests and running jobs finish; a second signal or a dead head cuts that short."""
        self._stopping.clear()
        child = self._call(head, "undeploy")
        while child.poll() is None:
            if self._stopping.wait(0.05) or head.exit_code() is not None:
                child.kill()
                child.wait()
        self._stopping.set()

    @property
    def _log(self) -> Path:
        return self.settings.directory / "deploy.log"

    def _call(self, head: RayHead, verb: str) -> subprocess.Popen[bytes]:
        """A process of its own joins Ray: a driver would die with the head, and this process must not."""
        command = [sys.executable, "-m", "serve.deploy", verb, json.dumps(self.settings.to_json())]
        with self._log.open("wb") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=head.environment, start_new_session=True
            )


class DeployFailed(SfcError):
    """Ray runs, but the application on it does not."""

    status = 503
    code = "DeployFailed"


def is_ready(url: str) -> bool:
    """Whether the server answers that it takes requests."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as response:  # noqa: S310
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
