"""A host that is set up passes; each thing it lacks is named with its remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tickwright.cli import doctor as verb
from tickwright.host.diagnosis import HostFinding, diagnose_host

CPU = "sys/devices/system/cpu"
GOOD = {
    "proc/cmdline": "quiet isolcpus=2,3 nohz_full=2,3 rcu_nocbs=2,3\n",
    f"{CPU}/isolated": "2-3\n",
    f"{CPU}/cpu0/cpufreq/scaling_governor": "performance\n",
    f"{CPU}/cpu1/cpufreq/scaling_governor": "performance\n",
    "proc/meminfo": "MemTotal: 16 kB\nHugePages_Total:       8\nHugePages_Free:        1\n",
    "sys/kernel/mm/transparent_hugepage/enabled": "always madvise [never]\n",
    "proc/self/limits": "Max locked memory         unlimited            unlimited     bytes\n",
    "sys/class/iommu/dmar0": "",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
    "sys/class/ptp/ptp0": "",
    "proc/irq/9/effective_affinity_list": "0\n",
    "proc/irq/40/effective_affinity_list": "0-1\n",
    "sys/bus/pci/devices/0000:01:00.0/vendor": "0x10ee\n",
    "sys/bus/pci/devices/0000:01:00.0/device": "0x7457\n",
    "sys/bus/pci/devices/0000:00:00.0/vendor": "0x8086\n",
    "sys/bus/pci/devices/0000:00:00.0/device": "0x1237\n",
    "proc/1/comm": "systemd\n",
    "proc/417/comm": "chronyd\n",
}


def host(root: Path, **changed: str) -> Path:
    """Lay out the kernel's files of a good host, but for what ``changed`` tells by its place."""
    for place, text in (GOOD | changed).items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(text)
    return root


def missing(root: Path) -> list[HostFinding]:
    return [finding for finding in diagnose_host(root) if not finding.present]


def test_a_host_that_is_set_up_lacks_nothing(tmp_path: Path) -> None:
    assert missing(host(tmp_path)) == []
    assert all(not finding.remedy for finding in diagnose_host(tmp_path))


def test_what_the_kernel_does_not_tell_is_missing(tmp_path: Path) -> None:
    findings = list(diagnose_host(tmp_path))
    assert findings == missing(tmp_path)
    assert all(finding.found and finding.expected and finding.remedy for finding in findings)
    assert len({finding.name for finding in findings}) == len(findings)


@pytest.mark.parametrize(
    ("place", "text", "name", "found"),
    [
        ("proc/cmdline", "isolcpus=2 nohz_full=2", "rcu_nocbs", "not on the kernel's command line"),
        ("proc/cmdline", "isolcpus= nohz_full=2 rcu_nocbs=2", "isolcpus", "not on the kernel"),
        ("proc/irq/40/effective_affinity_list", "1,3", "interrupts", "40 on isolated processors"),
        ("proc/irq/9/effective_affinity_list", "0-2", "interrupts", "9 on isolated processors"),
        ("sys/bus/pci/devices/0000:01:00.0/device", "0x7458", "cards", "none on PCI Express"),
        (f"{CPU}/cpu1/cpufreq/scaling_governor", "powersave", "governor", "performance, powersave"),
        ("proc/meminfo", "HugePages_Total: 8\nHugePages_Free: 0", "huge pages", "0 free of 8"),
        ("proc/417/comm", "ptp4l", "time daemon", "none runs"),
        ("proc/meminfo", "HugePages_Total: x", "huge pages", "not told by the kernel"),
        (
            "sys/kernel/mm/transparent_hugepage/enabled",
            "[always] madvise never",
            "transparent huge pages",
            "always",
        ),
        ("proc/self/limits", "Max locked memory 8388608 8388608 bytes", "locked memory", "8388608"),
        (
            "sys/devices/system/clocksource/clocksource0/current_clocksource",
            "hpet",
            "clock source",
            "hpet",
        ),
    ],
)
def test_one_thing_that_is_wrong_is_the_one_that_is_named(
    tmp_path: Path, place: str, text: str, name: str, found: str
) -> None:
    (finding,) = missing(host(tmp_path, **{place: text}))
    assert finding.name == name
    assert finding.found.startswith(found)
    assert finding.remedy.endswith(".")


def test_without_isolated_processors_nothing_can_be_said_of_interrupts(tmp_path: Path) -> None:
    found = missing(host(tmp_path, **{f"{CPU}/isolated": "\n"}))
    assert [(finding.name, finding.found) for finding in found] == [
        ("isolated", "no isolated processor"),
        ("interrupts", "not told by the kernel"),
    ]


def test_of_many_interrupts_the_first_are_named(tmp_path: Path) -> None:
    many = {f"proc/irq/{number}/effective_affinity_list": "2" for number in range(100, 107)}
    (found,) = missing(host(tmp_path, **many))
    assert found.found == "100, 101, 102, 103, 104, ... on isolated processors"


@pytest.mark.parametrize(("place", "name"), [("iommu/dmar0", "iommu"), ("ptp/ptp0", "ptp")])
def test_a_class_without_devices_is_missing(tmp_path: Path, place: str, name: str) -> None:
    (host(tmp_path) / "sys/class" / place).unlink()
    assert [finding.name for finding in missing(tmp_path)] == [name]


@pytest.mark.parametrize("complete", [True, False])
def test_the_doctor_tells_of_the_host_and_its_status_tells_whether_it_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complete: bool
) -> None:
    root = host(tmp_path) if complete else tmp_path
    findings = list(diagnose_host(root))
    monkeypatch.setattr("tickwright.host.diagnosis.diagnose_host", lambda: iter(findings))
    app = typer.Typer()
    app.command()(verb.doctor)

    told = CliRunner().invoke(app, ["--host", "--json"])
    assert told.exit_code == (0 if complete else 1)
    answer = json.loads(told.stdout)
    assert answer["complete"] is complete
    assert [each["name"] for each in answer["findings"]] == [each.name for each in findings]

    shown = CliRunner().invoke(app, ["--host"])
    assert shown.exit_code == told.exit_code
    for finding in findings:
        assert finding.found in shown.stdout
        assert finding.remedy in shown.stdout
