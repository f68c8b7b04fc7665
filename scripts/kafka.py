"""A real Kafka broker on loopback, for tests, examples and trying things out.

    python -m scripts.kafka --port 9092 --data DIR      # runs until Ctrl-C

Needs Java 17 and Maven: the broker's jars are fetched once, into `build/kafka/libs`. `SFC_KAFKA_LIBS` names another
folder of jars.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

KAFKA = "4.1.0"
ROOT = Path(__file__).resolve().parents[1]
_START_S = 90.0
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sfc</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""
_CLUSTER = "c2Zjc2Zjc2Zjc2Zjc2Zjcw"


def missing() -> str | None:
    """What this machine lacks to run a broker; None: nothing."""
    if shutil.which("java") is None:
        return "no Java on the PATH"
    if not _jars() and shutil.which("mvn") is None:
        return "no Maven on the PATH to fetch Kafka with"
    return None


def _libs() -> Path:
    return Path(os.environ.get("SFC_KAFKA_LIBS") or ROOT / "build" / "kafka" / "libs")


def _jars() -> bool:
    return (_libs() / f"kafka_2.13-{KAFKA}.jar").exists()


def fetch() -> Path:
    """The folder of the broker's jars; Maven fetches them the first time. Raises CalledProcessError."""
    libs = _libs()
    if not _jars():
        libs.parent.mkdir(parents=True, exist_ok=True)
        (libs.parent / "pom.xml").write_text(_POM)
        # Into a folder of its own, moved as a whole: two runs at once must not see half of the jars.
        fresh = libs.with_name(f"libs-{os.getpid()}")
        command = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={fresh}"]
        subprocess.run(command, cwd=libs.parent, check=True, stdin=subprocess.DEVNULL)
        if _jars():
            shutil.rmtree(fresh)
        else:
            fresh.rename(libs)
    return libs


class Broker:
    """One broker (KRaft, its own controller) on fixed ports and data, so that it can be killed and started again."""

    def __init__(self, data: Path, port: int = 0, settings: dict[str, str] | None = None) -> None:
        """`port` 0: a free one, the same for all its life. `settings` go over those of the broker."""
        self.data = data
        self.port = port or free_port()
        self._controller = free_port()
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._told_before = 0

    @property
    def servers(self) -> str:
        """Where clients find it."""
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.data / "broker.log"

    def start(self) -> None:
        """Returns when it takes connections. Raises RuntimeError that holds the end of its log."""
        classpath = f"{fetch()}/*"
        properties = self.data / "server.properties"
        if not properties.exists():
            self.data.mkdir(parents=True, exist_ok=True)
            properties.write_text("".join(f"{name}={value}\n" for name, value in self._properties().items()))
            format_it = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(properties)]
            subprocess.run(["java", "-cp", classpath, *format_it], check=True, capture_output=True)
        quick = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
        command = ["java", "-Xmx256m", "-Xms128m", *quick, "-cp", classpath, "kafka.Kafka", str(properties)]
        with self.log.open("ab") as log:
            self._told_before = log.tell()
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + _START_S
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the broker did not start: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """An orderly end; its data stay."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9; its data stay."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _is_up(self) -> bool:
        return b"Kafka Server started" in self.log.read_bytes()[self._told_before :]

    def _properties(self) -> dict[str, str]:
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self._controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self.data / "logs"),
            "num.partitions": "1",
            "offsets.topic.num.partitions": "4",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            # A broker that was killed is taken back as soon as its old session has ended.
            "broker.session.timeout.ms": "2000",
            "broker.heartbeat.interval.ms": "500",
            "group.initial.rebalance.delay.ms": "0",
            "auto.create.topics.enable": "false",
            **self._settings,
        }


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a Kafka broker on loopback until Ctrl-C.")
    parser.add_argument("--port", type=int, default=9092)
    parser.add_argument("--data", type=Path, default=ROOT / "build" / "kafka" / "data")
    given = parser.parse_args()
    lacking = missing()
    if lacking is not None:
        sys.exit(f"cannot run a broker: {lacking}")
    broker = Broker(given.data.absolute(), given.port, {"auto.create.topics.enable": "true"})
    broker.start()
    print(f"Kafka {KAFKA} at {broker.servers}, data in {broker.data}", flush=True)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    over.wait()
    broker.stop()


if __name__ == "__main__":
    main()
