"""The unit, the image and the manifests of docs/operate: calls finish, and nothing is root's."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from patter import Agent
from patter.cli import serve
from patter.cli.parser import Parser
from patter.server.timeouts import Timeouts
from patter_load import budget

from .house import ROOT

PAGES = ROOT / "docs" / "operate"
UNIT = (PAGES / "patter.service").read_text(encoding="utf-8")
IMAGE = (PAGES / "Containerfile").read_text(encoding="utf-8")
MANIFESTS: list[dict[str, Any]] = list(
    yaml.safe_load_all((PAGES / "kubernetes.yaml").read_text(encoding="utf-8"))
)
CLOSING_S = Timeouts().stop_ms / 1_000
"""What calls that were cut may take to be closed, after the drain."""


def setting(name: str) -> str:
    """The one value of *name* in the unit."""
    (value,) = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return str(value)


def options(words: list[str]) -> Any:
    """What ``patter serve`` makes of *words*; it refuses those that it does not know."""
    parser = Parser("patter serve", "", "")
    serve.configure(parser)
    return parser.parse_args(words)


def steps(name: str) -> list[str]:
    """The arguments of each *name* in the container file, long lines joined."""
    joined = re.sub(r"\\\n\s*", " ", IMAGE)
    return re.findall(rf"^{name}\s+(.*)$", joined, re.MULTILINE)


def one(kind: str) -> dict[str, Any]:
    """The manifest of *kind*."""
    (found,) = [each for each in MANIFESTS if each["kind"] == kind]
    return found


def pod() -> dict[str, Any]:
    spec: dict[str, Any] = one("Deployment")["spec"]["template"]["spec"]
    return spec


def container() -> dict[str, Any]:
    (found,) = pod()["containers"]
    return dict(found)


def test_the_workflow_of_the_budget_runs_commands_that_there_are() -> None:
    workflow = yaml.safe_load((PAGES / "budget.yml").read_text(encoding="utf-8"))
    (job,) = workflow["jobs"].values()
    install, measure = (step["run"].split() for step in job["steps"] if "run" in step)
    assert install[:2] == ["pip", "install"]
    assert "patter-load" in install
    assert measure[:2] == ["patter", "budget"]
    parser = Parser("patter budget", "", "")
    budget.configure(parser)
    assert parser.parse_args(measure[2:]).max_latency
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    assert " ".join(measure) in page


# --- the unit


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    program = Path(sys.executable)
    text = UNIT.replace("/opt/bistro/.venv/bin/patter", str(program))
    (unit := tmp_path / "patter.service").write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=20,
    )
    ours = [line for line in done.stderr.splitlines() if "patter.service" in line]
    assert not ours, ours


def test_the_unit_waits_until_calls_were_let_finish() -> None:
    _, *words = setting("ExecStart").split()
    assert words[0] == "serve"
    drain_s = options(words[1:]).drain
    assert float(setting("TimeoutStopSec")) >= drain_s + CLOSING_S
    assert setting("KillSignal") == "SIGTERM"
    assert setting("KillMode") == "mixed", "what the agent has started ends with it, not before"


def test_the_units_records_are_private_and_it_is_no_root() -> None:
    assert setting("DynamicUser") == "yes"
    assert stat.S_IMODE(int(setting("StateDirectoryMode"), 8)) & 0o077 == 0
    assert setting("Environment") == f"PATTER_LOG_DIR=/var/lib/{setting('StateDirectory')}"


# --- the image


def test_the_image_copies_the_agent_alone_and_no_key() -> None:
    copied = [word for step in steps("COPY") for word in step.split()[:-1]]
    assert copied == ["requirements.txt", "bistro.py"]
    assert not re.search(r"(KEY|TOKEN|SECRET|PASSWORD)", IMAGE.replace("No key", ""))
    assert steps("ADD") == []


def test_the_image_is_no_root_and_its_records_are_private() -> None:
    (user,) = steps("USER")
    assert int(user) > 0
    assert IMAGE.index("\nUSER") > IMAGE.rindex("\nRUN")
    assert "install -d -m 0700 -o patter /var/lib/patter" in steps("RUN")[0]
    assert "PATTER_LOG_DIR=/var/lib/patter/records" in steps("ENV")[0]
    assert steps("VOLUME") == ["/var/lib/patter"]


def test_the_signal_that_stops_the_image_reaches_patter() -> None:
    assert steps("STOPSIGNAL") == ["SIGTERM"]
    # A string would be run by a shell, which keeps the signal for itself.
    words = json.loads(steps("ENTRYPOINT")[0]) + json.loads(steps("CMD")[0])
    assert words[:2] == ["patter", "serve"]
    assert str(options(words[2:]).port) == steps("EXPOSE")[0]


# --- the manifests


def test_a_pod_lives_until_its_calls_were_let_finish() -> None:
    head = json.loads(steps("ENTRYPOINT")[0])
    told = options([*head[2:], *container()["args"]])
    ((sleep, seconds),) = [container()["lifecycle"]["preStop"]["exec"]["command"]]
    assert sleep == "sleep"
    grace_s = pod()["terminationGracePeriodSeconds"]
    assert grace_s >= int(seconds) + told.drain + CLOSING_S
    # For as long as it takes until nobody sends it webhooks any more.
    probe = container()["readinessProbe"]
    assert int(seconds) > probe["periodSeconds"] * probe["failureThreshold"]


def test_a_phone_is_replaced_by_one_that_is_ready_and_never_by_two() -> None:
    spec = one("Deployment")["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert container()["readinessProbe"]["httpGet"]["path"] == "/ready"
    # While it drains it is not ready, and must not be killed for that.
    assert container()["livenessProbe"]["httpGet"]["path"] == "/health"


def test_the_manifests_belong_together() -> None:
    labels = one("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert one("Deployment")["spec"]["selector"]["matchLabels"] == labels
    assert one("Service")["spec"]["selector"] == labels
    assert one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    ports = {port["name"]: port["containerPort"] for port in container()["ports"]}
    assert ports[one("Service")["spec"]["ports"][0]["targetPort"]] == int(steps("EXPOSE")[0])
    host = one("Ingress")["spec"]["rules"][0]
    assert f"--webhook-url={host['host']}" in container()["args"]
    assert {path["path"] for path in host["http"]["paths"]} == {"/webhooks/", "/media/"}


def test_no_proxy_of_the_page_is_less_patient_than_the_longest_call() -> None:
    longest_s = Agent(system_prompt="").rules().call_max_ms / 1_000
    notes = one("Ingress")["metadata"]["annotations"]
    waits = [int(value) for name, value in notes.items() if name.endswith("-timeout")]
    nginx = (PAGES / "nginx.conf").read_text(encoding="utf-8")
    waits += [3_600 * int(hours) for hours in re.findall(r"proxy_\w+_timeout (\d+)h", nginx)]
    haproxy = (PAGES / "haproxy.cfg").read_text(encoding="utf-8")
    waits += [3_600 * int(h) for h in re.findall(r"(?:tunnel|hard-stop-after)\s+(\d+)h", haproxy)]
    assert len(waits) == 6
    assert min(waits) > longest_s
