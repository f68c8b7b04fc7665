"""Machines for a test: Linux namespaces that look like hosts of their own to Ray and to ssh.

Each has its own address, processes, hostname, /tmp and home, and an sshd; a bridge joins them and leads nowhere else.
What `ray stop` or `ray down` ends on one of them is only ever its own: it sees no other processes.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import pytest

ROOT = Path(__file__).parents[2]
USER = "sfc"
_PREFIX = "192.0.2."
"""TEST-NET-1, the addresses that documentation uses: nobody has them."""
_START_S = 20
_TOOLS = ("unshare", "nsenter", "setpriv", "ip", "ssh", "ssh-keygen", "sshd", "rsync")
_DIRECTORIES = (sys.base_prefix, str(ROOT), str(Path(sys.prefix).resolve()))
"""What machines see of the disk, whatever lies below the directories that they have for themselves."""

_NOT_IN_THE_IMAGE = {
    *("service_flow_conductor", "_editable_impl_service_flow_conductor.pth", "a1_coverage.pth"),
    *("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils", "wheel"),
}
"""Of our packages: SFC, which the machines are to install, and what a new environment brings itself."""

_INIT = r"""
set -eu
mount --make-rprivate /
mkdir -p "$STORE/etc" "$STORE/keep" "$STORE/run" "$HOME_DIR"
mount -t tmpfs keep "$STORE/keep"
number=0
for path in $KEEP; do
    number=$((number + 1)); mkdir "$STORE/keep/$number"; mount --bind "$path" "$STORE/keep/$number"
done
mkdir "$STORE/keep/home" "$STORE/keep/etc"
mount --bind "$HOME_DIR" "$STORE/keep/home"; mount --bind "$STORE/etc" "$STORE/keep/etc"
mount -t tmpfs run /run; mkdir -p /run/keep /run/sshd; mount --move "$STORE/keep" /run/keep
for path in /tmp /home /dev/shm; do mount -t tmpfs tmpfs "$path"; chmod 1777 "$path"; done
number=0
for path in $KEEP; do
    number=$((number + 1)); mkdir -p "$path"; mount --bind "/run/keep/$number" "$path"; mount -o remount,ro,bind "$path"
done
mkdir "/home/$USER_NAME"; mount --bind /run/keep/home "/home/$USER_NAME"
for file in passwd shadow hosts resolv.conf; do
    target=$(readlink -f "/etc/$file"); [ -e "$target" ] || continue
    mount --bind "/run/keep/etc/$file" "$target"
done
mount -o remount,ro,bind /
hostname "$NAME"
ip link set lo up
ip link set eth0 up
ip address add "$ADDRESS/24" dev eth0
ip route add default dev eth0  # Ray asks which of its addresses leads out
/usr/sbin/sshd -D -e -f /etc/ssh/sshd_config -o UsePAM=no -o PasswordAuthentication=no -o PermitRootLogin=yes \
    -o PidFile=none -o HostKey=/run/keep/etc/host_key -o MaxStartups=100 -o MaxSessions=100 -o PrintMotd=no &
touch "/run/keep/etc/ready"
wait
"""


def _missing() -> str | None:
    """Why machines cannot be made here; None when they can."""
    lacking = [tool for tool in _TOOLS if shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]
    if lacking:
        return f"no {', '.join(lacking)} here (Debian: openssh-server, openssh-client, rsync, iproute2, util-linux)"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    try:
        subprocess.run(
            ["unshare", "--net", "--pid", "--mount", "--uts", "--fork", "true"], check=True, capture_output=True
        )
    except subprocess.CalledProcessError as error:
        return f"no namespaces can be made here: {error.stderr.decode().strip()}"
    return None


def require() -> None:
    """Skips the test that calls it where no machines can be made, and says why."""
    reason = _missing()
    if reason is not None:
        pytest.skip(reason)


_CALL = """
import sys, urllib.request
request = urllib.request.Request(sys.argv[2], sys.stdin.buffer.read() or None, method=sys.argv[1])
request.add_header("Content-Type", "application/json")
sys.stdout.write(urllib.request.urlopen(request, timeout=50).read().decode())
"""


class Machine:
    """One host. Its home directory lasts; everything else of it is gone when it is switched off."""

    def __init__(self, network: "Network", name: str, number: int) -> None:
        self.name = name
        self.address = f"{_PREFIX}{number}"
        self.store = network.directory / name
        self.home = self.store / "home"
        self._network = network
        self._outside: subprocess.Popen[bytes] | None = None
        self.init = 0
        """The process that all others of the machine descend from, as seen from here."""
        shutil.copytree("/etc/skel", self.home, symlinks=True)

    def switch_on(self) -> None:
        """Returns when its sshd takes connections."""
        etc = self.store / "etc"
        etc.mkdir(parents=True, exist_ok=True)
        accounts = [line for line in Path("/etc/passwd").read_text().splitlines() if not line.startswith("root:")]
        user = f"{USER}:x:0:0::/home/{USER}:/bin/bash"
        (etc / "passwd").write_text("\n".join([user, *accounts, ""]))
        (etc / "shadow").write_text(f"{USER}:*:19000:0:99999:7:::\n")
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n{self.address} {self.name}\n")
        (etc / "resolv.conf").write_text("")
        (etc / "ready").unlink(missing_ok=True)
        if not (etc / "host_key").exists():
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(etc / "host_key"))
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "STORE": str(self.store),
            "HOME_DIR": str(self.home),
            "KEEP": " ".join(dict.fromkeys(_DIRECTORIES)),
            "NAME": self.name,
            "ADDRESS": self.address,
            "USER_NAME": USER,
        }
        with (self.store / "console.log").open("ab") as console:
            self._outside = _namespaces(_INIT_WHEN_WIRED, environment, console)
            self.init = _only_child(self._outside)
            self._network.wire(self)
            assert self._outside.stdin is not None
            self._outside.stdin.close()
        until((etc / "ready").exists, f"{self.name} does not start: {self.console()}")

    def switch_off(self) -> None:
        """As if its plug were pulled."""
        if self._outside is not None:
            self._outside.kill()
            self._outside.wait()
            until(lambda: not Path(f"/proc/{self.init}").exists(), f"{self.name} does not end")
            self._outside = None

    def console(self) -> str:
        """What its init and sshd said last."""
        return (self.store / "console.log").read_text(errors="replace")[-2000:]

    def run(self, command: str, *, timeout_s: float = 300, check: bool = True, stdin: str = "") -> str:
        """What the command prints, both streams, in a login shell of its user. Raises AssertionError if it fails."""
        home = f"/home/{USER}"
        enter = ["nsenter", f"--target={self.init}", "--net", "--pid", "--mount", "--uts", "--ipc"]
        clean = ["env", "-i", f"HOME={home}", f"USER={USER}", "TERM=dumb", "LANG=C.UTF-8", "bash", "-lc"]
        done = subprocess.run(
            [*enter, *clean, f"cd; {command}"],
            input=stdin.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        )
        text = done.stdout.decode(errors="replace")
        assert not check or done.returncode == 0, f"{self.name}$ {command}\n{text[-6000:]}"
        return text

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer, JSON, of the server that listens on its loopback. Raises AssertionError when it refuses."""
        script = f"{sys.executable} -c {shlex.quote(_CALL)} {method} http://127.0.0.1:8000{shlex.quote(path)}"
        return json.loads(self.run(script, stdin="" if body is None else json.dumps(body), timeout_s=60))

    def processes(self, having: str) -> list[str]:
        """Command lines of its living processes that hold this text."""
        listed = self.run("ps -eo stat=,args= --cols 1000", timeout_s=30).splitlines()
        return [line for line in listed if having in line and not line.startswith("Z")]


_INIT_WHEN_WIRED = "read -r _ || true\n" + _INIT


class Network:
    """A bridge in a namespace of its own, and the machines on it; use as a context manager."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.machines: list[Machine] = []

    def __enter__(self) -> "Network":
        self._bridge = _namespaces("ip link add bridge type bridge && ip link set bridge up && read -r _", {}, None)
        self._switch = _only_child(self._bridge)
        until(lambda: "bridge" in self._ip("-brief", "link"), "the bridge does not come up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for machine in self.machines:
            machine.switch_off()
        self._bridge.kill()
        self._bridge.communicate()

    def machine(self, name: str, number: int) -> Machine:
        """A new one, switched on; `number` is the last part of its address."""
        made = Machine(self, name, number)
        self.machines.append(made)
        made.switch_on()
        return made

    def wire(self, machine: Machine) -> None:
        """A cable from the bridge to the machine's eth0; it goes when the machine does."""
        port = machine.name[:15]
        end = ("peer", "name", "eth0", "netns", str(machine.init))
        self._ip("link", "add", port, "type", "veth", *end)
        self._ip("link", "set", port, "master", "bridge", "up")

    def _ip(self, *arguments: str) -> str:
        return _run("nsenter", f"--target={self._switch}", "--net", "ip", *arguments)


def install_python(machine: Machine) -> None:
    """As an image for such machines would have it: a virtual environment in ~/sfc that holds the packages of this one,
    but not SFC; and the interpreter as `python3.11`, where people have their own programs.
    """
    programs = machine.home / ".local" / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    (programs / "python3.11").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    machine.run("python3.11 -m venv ~/sfc")
    (packages,) = (machine.home / "sfc").glob("lib/python3*/site-packages")
    (ours,) = Path(sys.prefix).glob("lib/python3*/site-packages")
    for entry in ours.iterdir():
        name = entry.name.split("-")[0]
        if name not in _NOT_IN_THE_IMAGE and not (packages / entry.name).exists():
            (packages / entry.name).symlink_to(entry)
    ray = (Path(sys.prefix) / "bin" / "ray").read_text().split("\n", 1)[1]
    script = machine.home / "sfc" / "bin" / "ray"
    script.write_text(f"#!/home/{USER}/sfc/bin/python\n{ray}")
    script.chmod(0o755)


def _namespaces(script: str, environment: dict[str, str], console: IO[bytes] | None) -> subprocess.Popen[bytes]:
    """bash on the script as the first process of its own namespaces; all of them die with this process."""
    keep = ["setpriv", "--pdeathsig", "KILL", "unshare", "--kill-child=KILL", "--fork", "--pid", "--mount-proc"]
    return subprocess.Popen(
        [*keep, "--net", "--mount", "--uts", "--ipc", "bash", "-c", script],
        stdin=subprocess.PIPE, stdout=console, stderr=console, env=environment or None,
    )  # fmt: skip


def _only_child(process: subprocess.Popen[bytes]) -> int:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    until(lambda: children.read_text().split(), "no namespaces were made")
    return int(children.read_text().split()[0])


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def until(is_so: Callable[[], object], otherwise: str, within_s: float = _START_S) -> None:
    """Returns when it is. Raises AssertionError after `within_s` seconds."""
    end = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < end, otherwise
        time.sleep(0.05)
