"""How large the process of a service is, and whether it has grown."""
import os
import pathlib
import statistics

# What may come between the end and the most of the warm-up: sockets of clients of the moment; what malloc keeps.
SPARES = {"files": 12, "threads": 0, "sessions": 0, "mib": 12}


class Size:
    """Of the service's process at a moment."""

    def __init__(self, service):
        process = pathlib.Path(f"/proc/{service.process.pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        self.files, self.threads = len(os.listdir(process / "fd")), int(status["Threads"])
        self.mib = int(status["VmRSS"].split()[0]) / 1024
        self.sessions = sum(service.open_sessions().values())


def judge(warm, late):
    """What there was in the second half of the warm-up and in the run's last fifth, in words, and what of it has grown."""
    told, grown = [], []
    for name, spare in SPARES.items():
        before, after = max(getattr(s, name) for s in warm), statistics.median(getattr(s, name) for s in late)
        told.append(f"{name}: at most {before:.0f} in the warm-up, {after:.0f} in the end")
        if after > before + spare:
            grown.append(f"{name} have grown from {before:.0f} to {after:.0f}")
    return told, grown
