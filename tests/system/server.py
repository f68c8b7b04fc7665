"""`sfc up --no-ray` as a test holds it in its hands: started, killed, started again."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.system.cluster import free_port

SFC = Path(sys.executable).with_name("sfc")


class Server:
    def __init__(self, directory: Path, *options: object) -> None:
        """Its data are in the directory, and so are the blueprints that it loads."""
        self.directory = directory
        self.options = [str(option) for option in options]
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = directory / "data"
        self.log = directory / "server.log"
        self.start()

    def start(self) -> None:
        """Returns when it says that it is ready. What it says is in `log`."""
        where = ["--data", self.data, "--port", str(self.port), "--blueprints", self.directory]
        before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("a") as said:
            self.process = subprocess.Popen([SFC, "up", "--no-ray", *where, *self.options], stderr=said)
        while "ready at" not in self.log.read_text()[before:]:
            assert self.process.poll() is None, f"it ended before it was ready: {self.log.read_text()[before:]}"
            time.sleep(0.05)

    def kill(self) -> None:
        """As the power would fail; returns when a successor is ready."""
        self.process.kill()
        self.process.wait(40)
        self.start()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(40)
