"""Loads: h2load against an endpoint, pgbench against the database behind it; both give the latency of each request."""
import dataclasses
import pathlib
import re
import shlex
import statistics
import subprocess

from . import postgres


@dataclasses.dataclass
class Load:
    """Of one run: requests per second, latencies in milliseconds."""
    per_second: float
    p50: float
    p95: float
    p99: float


def quantile(ordered, q):
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def _load(latencies_us, seconds, per_second=None):
    if not latencies_us:
        raise SystemExit("cannot measure: not one request was answered")
    latencies_us.sort()
    return Load(per_second or len(latencies_us) / seconds, *(quantile(latencies_us, q) / 1e3 for q in (.5, .95, .99)))


@dataclasses.dataclass
class Request:
    """A GET, or a POST of a JSON body."""
    path: str
    body: str = ""


def merge(loads):
    """The medians of several."""
    return Load(*(statistics.median(getattr(one, field.name) for one in loads) for field in dataclasses.fields(Load)))


def http(url, request, connections, seconds, work, rate=None):
    """Keeps so many connections busy, or sends `rate` requests per second over them; any answer but a 2xx ends the benchmark."""
    log = pathlib.Path(work, "h2load.log")
    log.unlink(missing_ok=True)
    command = ["h2load", "--h1", "-t", "1", "-c", str(connections), "-D", str(seconds), f"--log-file={log}"]
    if rate:
        command += ["--rps", f"{rate / connections:g}"]
    if request.body:
        body = pathlib.Path(work, "body.json")
        body.write_text(request.body)
        command += ["-d", str(body), "-H", "Content-Type: application/json"]
    said = subprocess.run([*command, url + request.path], check=True, stdout=subprocess.PIPE, text=True).stdout
    answered = [line.split() for line in log.read_text().splitlines()]
    bad = [status for _, status, _ in answered if not status.startswith("2")]
    if bad:
        raise SystemExit(f"cannot measure: {len(bad)} of {len(answered)} answers of {request.path} were {bad[0]}\n{said}")
    took = float(re.search(r"finished in ([0-9.]+)(m?s)", said).group(1)) or seconds
    return _load([int(us) for _, _, us in answered], took)


def pgbench(database, script, variables, connections, seconds, work):
    """The same statements over and over, prepared, by so many clients."""
    path, prefix = pathlib.Path(work, "pgbench.sql"), pathlib.Path(work, "pgbench_log")
    path.write_text(script)
    for old in pathlib.Path(work).glob("pgbench_log.*"):
        old.unlink()
    defined = " ".join(shlex.quote(f"--define={name}={value}") for name, value in variables.items())
    said = postgres.pgbench(database, f'-c {connections} -j 1 -T {seconds} -f "$SCRIPT" -l --log-prefix="$LOG" {defined}',
                            SCRIPT=str(path), LOG=str(prefix))
    failed = re.search(r"number of failed transactions: ([0-9]+)", said)
    if failed and failed.group(1) != "0":
        raise SystemExit(f"cannot measure: {failed.group(1)} transactions of pgbench failed\n{said}")
    latencies_us = [int(line.split()[2]) for log in pathlib.Path(work).glob("pgbench_log.*") for line in log.read_text().splitlines()]
    return _load(latencies_us, seconds, float(re.search(r"tps = ([0-9.]+)", said).group(1)))
