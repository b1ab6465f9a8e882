#!/usr/bin/env python3
"""alarm.py TRACEKIN WITH_DATABASE LIBRARY [SANITIZER]: the checks of the tortures find what they are there to find.

The service is sabotaged by the injector: some of its free() or close() do nothing. The growth check must report that, and let the
service pass that is not sabotaged; a sanitizer must report it too. What the tools see of a small program is tests/alarm's business.
"""
import signal

import endpoints
import telemetry
import torture
from endpoints import Ask, Tell
from torture import Failure

N_REQUESTS, ONE_OF, GROWN_S = 200, 5, 3


def must_fail(what, check, *says):
    try:
        check()
    except Failure as failure:
        if all(text in str(failure) for text in says):
            print(f"ok   {what} is found", flush=True)
            return
        raise Failure(f"{what} is reported as {failure}") from None
    raise Failure(f"{what} is not found: the alarm is broken")


def ask_much(t):
    ask = Ask("get_trace", "GET", f"/api/v1/traces/{telemetry.trace_id(0)}")
    for _ in range(N_REQUESTS):
        t.send(ask)


def check_growth(t, before, seconds=GROWN_S):
    torture.check_growth(t.service, before, endpoints.MORE_BLOCKS, endpoints.MORE_BYTES, seconds)


def sabotaged(binaries, **kept):
    """A service that has answered much, and what it held before."""
    t = endpoints.Torture(binaries)
    endpoints.fill(t)
    ask_much(t)
    before = torture.Holdings(t.service)
    t.injector.keep(**kept)
    ask_much(t)
    t.injector.keep()
    return t, before


def leaks_of_a_service(binaries):
    t, before = sabotaged(binaries)
    check_growth(t, before, torture.SETTLE_S)
    t.service.stop()
    t, before = sabotaged(binaries, memory=ONE_OF)
    must_fail("memory that is not freed", lambda: check_growth(t, before), "blocks")
    if binaries.sanitizer:
        must_fail("memory that is not freed, at the end,", t.service.stop, f"ended with {torture.SANITIZER_EXIT}", "leaked in")
    else:
        t.service.stop()
    t, before = sabotaged(binaries, files=ONE_OF)
    must_fail("a file that is not closed", lambda: check_growth(t, before), "files")
    t.service.kill()


def cut_replies():
    """What a connection that broke may have left of a reply, and what it may not."""
    whole = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nabcd"
    for n in range(len(whole) + 1):
        torture.check_reply(torture.parse(whole[:n]), 200, is_of_system=True)
    for what, data in (
            ("a second reply", whole + whole), ("more than was promised", whole + b"e"), ("the middle of a reply", whole[4:]),
            ("no status", b"HTTP/1.1 20 OK"), ("no version", b"HTTP/1.0 2"), ("a second head", whole[:-6] + whole[:20]),
            ("a header without a name", b"HTTP/1.1 200 OK\r\n: 4\r\nConte"), ("a header with a space", b"HTTP/1.1 200 OK\r\nContent Le"),
            ("a header of no text", b"HTTP/1.1 200 OK\r\nDate: \0"), ("no length", b"HTTP/1.1 200 OK\r\nDate: x\r\n\r\nab"),
            ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nab"),
            ("half a refusal that is not the client's fault", b"HTTP/1.1 400 Bad Request\r\nConte")):
        must_fail(what, lambda: torture.check_reply(torture.parse(data), 200, is_of_system=True))


def false_witness(binaries):
    """An item that was acknowledged and is not there; a reply that is half; a process that was killed."""
    for what, data in (("half a header", b"HTTP/1.1 200 OK\r\nContent-Le"), ("half a body", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")):
        must_fail(what, lambda: torture.check_reply(torture.parse(data), 200, is_of_system=False))
        torture.check_reply(torture.parse(data), 200, is_of_system=True)
    cut_replies()
    must_fail("a refusal that is not the client's fault",
              lambda: torture.check_reply(torture.parse(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), 200, False))
    t = endpoints.Torture(binaries)
    Tell.stored = {"spans.start_ns": [1_000_000_007]}
    must_fail("an item that is not stored", lambda: endpoints.check_stored(binaries), "1 items of spans were acknowledged, 0 are stored")
    Tell.stored = {}
    t.service.process.send_signal(signal.SIGKILL)
    t.service.process.wait()
    must_fail("a process that has ended", t.service.check_alive)


def main(binaries):
    false_witness(binaries)
    leaks_of_a_service(binaries)


if __name__ == "__main__":
    torture.run(main)
