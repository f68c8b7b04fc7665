"""`ray up cluster.yaml` on machines of their own addresses, by the commands of docs/how-to/run-on-a-cluster.md."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.machines import ROOT, Machine, Network, install_python, require, until

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

PAGE = ROOT / "docs" / "how-to" / "run-on-a-cluster.md"
SECRET = "(umask 077; .venv/bin/ray get-auth-token --generate)"
BUNDLE, UP, DOWN = "make bundle", ".venv/bin/ray up -y cluster.yaml", ".venv/bin/ray down -y cluster.yaml"
TUNNEL = "ssh -f -N -L 8000:127.0.0.1:8000 sfc@192.0.2.10"
STATUS = "RAY_AUTH_MODE=token ~/sfc/bin/ray status"

HANDLERS = """import socket, time
from pathlib import Path
from sfc.tasks import task

@task("where")
def where(value):
    return socket.gethostname()

@task("wait-for-file")
def wait_for_file(value):
    while not Path(value["file"]).expanduser().exists():
        time.sleep(0.02)
    return socket.gethostname()
"""


class Lab:
    """The machines of cluster.yaml, and the one of whoever runs `ray up`, with a checkout in ~/checkout."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.operator = network.machine("operator", 1)
        self.head = network.machine("head", 10)
        self.workers = [network.machine("worker-1", 11), network.machine("worker-2", 12)]
        self.nodes = [self.head, *self.workers]
        self.operator.run("mkdir -p ~/.ssh && ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519")
        self.operator.run("echo 'StrictHostKeyChecking accept-new' > ~/.ssh/config")
        for node in self.nodes:
            install_python(node)
            (node.home / ".ssh").mkdir(mode=0o700)
            shutil.copy(self.operator.home / ".ssh" / "id_ed25519.pub", node.home / ".ssh" / "authorized_keys")
        copy_checkout(self.operator.home / "checkout")

    def says(self, command: str) -> str:
        """What a command of the page prints to the person who runs it in the checkout."""
        assert command in PAGE.read_text(), f"{PAGE.name} does not tell to run `{command}`"
        return self.operator.run(f"cd checkout && {command}", timeout_s=400)

    def up(self) -> None:
        """Returns when all three nodes are there and the common pool is complete."""
        self.says(UP)
        if "LISTEN" not in self.operator.run("ss -ltn 'sport = :8000' | grep LISTEN || true"):
            self.says(TUNNEL)
        until(lambda: self.size() == 3, f"not all machines join:\n{self.head.run(STATUS)}", 120)
        until(lambda: self.operator.call("GET", "/health")["workers"] == 4, "the common pool is not complete", 60)

    def size(self) -> int:
        """Nodes of the Ray cluster that live."""
        alive = "import ray; ray.init(log_to_driver=False); print(sum(n['Alive'] for n in ray.nodes()))"
        told = self.head.run(f"RAY_AUTH_MODE=token ~/sfc/bin/python -c {shlex.quote(alive)}")
        return int(told.splitlines()[-1])

    def execution(self, blueprint: str, name: str) -> dict[str, object]:
        found: dict[str, object] = self.operator.call("GET", f"/api/executions/{blueprint}:{name}")
        return found

    def succeeds(self, blueprint: str, name: str) -> object:
        """The output of an execution, once it has one."""
        until(lambda: self.execution(blueprint, name)["status"] != "RUNNING", f"{blueprint}:{name} does not end", 120)
        told = self.execution(blueprint, name)
        assert told["status"] == "SUCCEEDED", told
        return told["output"]


def copy_checkout(target: Path) -> None:
    """The files of this repository as a clone of it would have them, with the environment that `make setup` made."""
    target.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and name != ".venv":
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    (target / ".venv").symlink_to(sys.prefix)
    for name in ("constraints.txt", "pyproject.toml"):
        os.utime(
            target / name, (0, 0)
        )  # older than the environment that was made from them: `make` has nothing to install


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    require()
    with Network(tmp_path_factory.mktemp("net")) as network:
        yield network


@pytest.fixture(scope="module")
def lab(network: Network) -> Lab:
    """A cluster that is up, with the tasks of HANDLERS deployed on it."""
    lab = Lab(network)
    lab.says(BUNDLE)
    lab.says(SECRET)
    lab.up()
    (lab.operator.home / "handlers.py").write_text(HANDLERS)
    lab.operator.run("~/checkout/.venv/bin/sfc task deploy handlers.py")
    return lab


def task_flow(lab: Lab, name: str, task: str, machine: Machine | None = None) -> None:
    """A blueprint of one task, whose pool is on one machine where that is given."""
    states = {"Do": {"Type": "Task", "Resource": f"task:{task}", "End": True}}
    lab.operator.call("PUT", f"/api/blueprints/{name}", {"definition": {"StartAt": "Do", "States": states}})
    if machine is not None:  # Ray gives every node a resource of its address; a CPU may not be free there
        place = {"mode": "specific", "resources": {f"node:{machine.address}": 0.01}, "cpus": 0, "max": 2}
        lab.operator.call("PATCH", f"/api/pools/{name}", place)


def test_machines_see_no_processes_of_others(network: Network) -> None:
    """What the other tests rely on: `ray stop` ends every Ray process that it sees."""
    machine = network.machine("alone", 100)
    seen = machine.run("ps -eo comm= | sort -u").split()
    assert set(seen) <= {"bash", "ps", "sort", "sshd"}
    machine.switch_off()


def test_jobs_run_on_every_machine(lab: Lab) -> None:
    for machine in lab.nodes:
        task_flow(lab, f"on-{machine.name}", "where", machine)
        assert lab.operator.call("POST", f"/triggers/on-{machine.name}?wait=15", {}) == machine.name


def test_sfc_was_installed_from_the_bundle(lab: Lab) -> None:
    for machine in lab.nodes:
        place = machine.run("~/sfc/bin/python -c 'import serve; print(serve.__file__)'").strip()
        assert place == machine.run("echo ~/sfc/lib/python3*/site-packages/serve/__init__.py").strip()


def test_the_token_is_read_by_its_user_alone(lab: Lab) -> None:
    for machine in lab.nodes:
        assert machine.run("stat -c %a ~/.ray/auth_token").strip() == "600"


def test_the_server_is_not_reached_from_other_machines(lab: Lab) -> None:
    told = lab.workers[0].run("~/sfc/bin/sfc blueprints list --url http://192.0.2.10:8000", check=False)
    assert "no server at" in told


def test_a_node_without_the_token_or_with_another_is_refused(lab: Lab) -> None:
    join = "~/sfc/bin/ray start --address=192.0.2.10:6379 --disable-usage-stats"
    stranger = lab.network.machine("stranger", 66)
    install_python(stranger)
    for token in ("RAY_AUTH_MODE=disabled", f"RAY_AUTH_MODE=token RAY_AUTH_TOKEN={'0' * 64}"):
        told = stranger.run(f"{token} {join}; echo exit $?", check=False)
        assert "exit 0" not in told, told
        assert "authentication" in told.lower(), told
    stranger.switch_off()
    assert lab.size() == 3


def test_executions_end_whatever_machine_dies_under_them(lab: Lab) -> None:
    victim = lab.workers[1]
    task_flow(lab, "hold", "wait-for-file")
    names = [f"x{number}" for number in range(40)]
    for name in names:
        body = {"blueprint": "hold", "name": name, "input": {"file": "~/go"}}
        lab.operator.call("POST", "/api/executions", body)
    until(lambda: lab.operator.call("GET", "/api/pools/common")["in_flight"] == 40, "not all jobs have begun", 60)
    victim.switch_off()
    for machine in [lab.head, lab.workers[0]]:
        (machine.home / "go").touch()
    survivors = {lab.succeeds("hold", name) for name in names}
    assert survivors <= {"head", "worker-1"}
    victim.switch_on()
    until(lambda: lab.size() == 3, "the machine that came back is not taken in again", 180)


def test_down_leaves_nothing_and_up_goes_on(lab: Lab) -> None:
    wait = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 20, "End": True}}}
    lab.operator.call("PUT", "/api/blueprints/wait", {"definition": wait})
    task_flow(lab, "resumed", "wait-for-file")
    for blueprint, value in (("wait", {"order": 4711}), ("resumed", {"file": "~/go-on"})):
        lab.operator.call("POST", "/api/executions", {"blueprint": blueprint, "name": "one", "input": value})
    told = lab.says(DOWN)
    assert "No nodes remaining" in told
    for machine in lab.nodes:
        until(lambda machine=machine: not machine.processes("ray"), f"Ray is left on {machine.name}", 180)
    for machine in lab.nodes:
        (machine.home / "go-on").touch()
    lab.up()
    assert lab.succeeds("wait", "one") == {"order": 4711}
    assert lab.succeeds("resumed", "one") in {machine.name for machine in lab.nodes}
