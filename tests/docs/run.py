#!/usr/bin/env python3
"""Runs what a document shows: run.py DOCUMENT ADDRESS DATA, in the root of the tree.

Every ```sh block and every `curl` in a table is a command that must succeed, an HTTP error or an empty list being a failure.
A ```json or ```text block right after a ```sh block is its answer: white space is nothing, … is any text. A question (only
GETs) whose answer differs is asked again for some seconds, since traces are summarised a moment after they come. ADDRESS and
DATA stand in for localhost:4318 and .local. Other blocks (```console, ```yaml) are not run.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ANSWER_S, COMMAND_S, BUILD_S = 15, 60, 900
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
IN_TABLE = re.compile(r"^\|.*`(curl [^`]*)`", re.M)


def commands(text):
    """Yields (line number, command, answer or None), in order."""
    blocks = list(FENCE.finditer(text))
    found = [(m.start(), m[1], None) for m in IN_TABLE.finditer(text)]
    for block, after in zip(blocks, blocks[1:] + [None]):
        if block[1] != "sh":
            continue
        is_answer = after is not None and after[1] in ("json", "text") and not text[block.end():after.start()].strip()
        found.append((block.start(), block[2], after[2] if is_answer else None))
    for start, command, answer in sorted(found):
        yield text.count("\n", 0, start) + 1, command, answer


def matches(answer, output):
    parts = ["".join(part.split()) for part in answer.split("…")]
    return re.fullmatch(".*".join(map(re.escape, parts)), "".join(output.split()), re.S) is not None


def here(command, address, data):
    command = re.sub(r"(localhost|127\.0\.0\.1):4318", address, command)
    command = re.sub(r"\./dev (up|down|demo|psql)\b", f"./dev \\1 --data '{data}'", command)
    command = command.replace("./dev up", f"./dev up --listen {address}")
    return command.replace(".local/", f"{data}/")


def run(command, environment):
    """Returns its exit status, output and complaint."""
    timeout_s = BUILD_S if "./dev up" in command else COMMAND_S
    # A file, for what a detached service inherits may outlive the command.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        try:
            status = subprocess.run(["bash", "-euo", "pipefail", "-c", command], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                    env=environment, timeout=timeout_s).returncode
        except subprocess.TimeoutExpired:
            status = f"none within {timeout_s} s"
        out.seek(0)
        err.seek(0)
        return status, out.read(), err.read()


def try_until_answered(command, answer, environment):
    """Returns what is wrong with it, or None."""
    is_question = re.search(r"^curl ", command) and not re.search(r"-d|--data-binary", command)
    deadline = time.monotonic() + (ANSWER_S if is_question else 0)
    while True:
        status, output, complaint = run(command, environment)
        if status == 0 and (matches(answer, output) if answer else not output.startswith('{"items":[]')):
            return None
        if time.monotonic() >= deadline:
            expected = "" if answer is None else f"the document shows:\n{answer}"
            return f"exit status {status}; it printed:\n{output}\n{complaint}\n{expected}"
        time.sleep(0.5)


def main():
    document, address, data = sys.argv[1:]
    text = pathlib.Path(document).read_text()
    n_run = 0
    with tempfile.TemporaryDirectory() as home:
        pathlib.Path(home, ".curlrc").write_text("fail-with-body\nshow-error\nmax-time = 30\n")
        environment = {**os.environ, "CURL_HOME": home}
        for line, command, answer in commands(text):
            wrong = try_until_answered(here(command, address, data), answer, environment)
            if wrong:
                sys.exit(f"{document}:{line}: {command}\n{wrong}")
            n_run += 1
    print(f"{document}: {n_run} commands did what it says")


if __name__ == "__main__":
    main()
