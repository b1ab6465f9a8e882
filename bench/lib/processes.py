"""CPU and memory of the service and of PostgreSQL, from /proc."""
import os
import pathlib

_TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def cpu_seconds(pid):
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS


def children(pid):
    return [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit() and _parent(entry.name) == pid]


def _parent(pid):
    try:
        return int(_stat(pid)[1])
    except (FileNotFoundError, ProcessLookupError):
        return -1


def cpu_seconds_of_family(pid):
    """Of a process and of the children it has, and of those that it had."""
    total = cpu_seconds(pid) + sum(int(ticks) for ticks in _stat(pid)[13:15]) / _TICKS
    for child in children(pid):
        try:
            total += cpu_seconds(child)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def resident_mib(pid, peak=False):
    field = "VmHWM:" if peak else "VmRSS:"
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"cannot measure: no {field} of process {pid}")
