#!/usr/bin/env python3
"""Holds the names in runbooks to what there is: names.py ADDRESS DOCUMENT..., of a running service.

- A metric, in a code span or a block, is one that the service exposes or docker/prometheus/recording.yml records; so is each of
  the alternatives of tracekin_(a|b), where a beginning is enough. In a table with "(`tracekin_` left out)" in its heading, so is
  each of the last column, "by" labels left out.
- A TRACEKIN_ variable is a setting of the service, or one of ./dev.
- In a table whose second heading is "In tracekin.conf", that is what docker/postgres/tracekin.conf says of the row's setting.
"""
import pathlib
import re
import sys
import urllib.request

TREE = pathlib.Path(__file__).resolve().parents[2]
WITH_AN_ENDPOINT = "tracekin_embeddings_"  # exposed only when TRACEKIN_EMBEDDINGS_URL is set
OF_DEV = {"TRACEKIN_CACHE", "TRACEKIN_BENCH_PORT", "TRACEKIN_BENCH_RESULTS"}
CODE = re.compile(r"^```\w*\n(.*?)^```$|`([^`\n]+)`", re.M | re.S)
METRIC = re.compile(r"(?<![\w/.-])((?:\w+:)?tracekin_\w*(?::\w+)?)(\([\w|]+\)\w*)?")
LABELS = re.compile(r"by `\w+`(?: and `\w+`)*")
ALL_WRONG = """`tracekin_no_total` `tracekin_(rejected_total|no)` `TRACEKIN_NO`

| What | Metrics (`tracekin_` left out) |
|--|--|
| Nothing | `no_such_total` by `lane` |

| Setting | In tracekin.conf |
|--|--|
| `jit` | on |
"""


def exposed(address):
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as reply:
        return set(re.findall(r"^(?:# TYPE )?(\w+)[{ ]", reply.read().decode(), flags=re.M))


def recorded():
    return set(re.findall(r"record: (\S+)", (TREE / "docker/prometheus/recording.yml").read_text()))


def settings():
    return OF_DEV | set(re.findall(r'"(TRACEKIN_\w+)"', (TREE / "service/setting/config.c").read_text()))


def configured():
    """What tracekin.conf says, by setting."""
    lines = (TREE / "docker/postgres/tracekin.conf").read_text().splitlines()
    return dict(re.match(r"(\w+) = ('[^']*'|\S+)", line).groups() for line in lines if line and not line.startswith("#"))


def tables(text):
    """(heading, rows) of each, cells stripped."""
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.M):
        lines = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()]
        yield lines[0], lines[2:]


def metrics_named(text):
    """(name, whether the beginning of one is enough)."""
    for block, span in CODE.findall(text):
        for name, choices in METRIC.findall(block or span):
            if choices:
                yield from ((name + choice, True) for choice in choices[1:choices.index(")")].split("|"))
            elif name != "tracekin_":
                yield name, name.endswith("_")
    for heading, rows in tables(text):
        if heading[-1].endswith("(`tracekin_` left out)"):
            for row in rows:
                yield from (("tracekin_" + name.rstrip("*"), name.endswith("*"))
                            for name in re.findall(r"`(\w+\*?)`", LABELS.sub("", row[-1])) if not name.startswith("process_"))


def is_known(name, is_beginning, known):
    if name.startswith(WITH_AN_ENDPOINT) or WITH_AN_ENDPOINT.startswith(name):
        return True
    return any(one.startswith(name) for one in known) if is_beginning else name in known


def wrong_in(text, known_metrics, known_settings, in_conf):
    for name, is_beginning in metrics_named(text):
        if not is_known(name, is_beginning, known_metrics):
            yield f"there is no metric {name}"
    for name in re.findall(r"\bTRACEKIN_[A-Z_]+", text):
        if name.rstrip("_") not in known_settings and not any(one.startswith(name) for one in known_settings if name.endswith("_")):
            yield f"there is no setting {name}"
    for heading, rows in tables(text):
        if len(heading) > 1 and heading[1] == "In tracekin.conf":
            for name, value, *_ in rows:
                if in_conf.get(name.strip("`"), "-") != value.strip("`"):
                    yield f"tracekin.conf has {in_conf.get(name.strip('`'), 'no')} {name}, not {value}"


def main():
    address, *documents = sys.argv[1:]
    known = exposed(address) | recorded(), settings(), configured()
    assert len(list(wrong_in(ALL_WRONG, *known))) == 5, "what is wrong is not found"
    status = 0
    for document in documents:
        for wrong in wrong_in(pathlib.Path(document).read_text(), *known):
            print(f"{document}: {wrong}", file=sys.stderr)
            status = 1
    sys.exit(status)


if __name__ == "__main__":
    main()
