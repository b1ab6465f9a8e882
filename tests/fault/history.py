"""What was sent and what came of it, and whether what is stored agrees with that.

An outcome is what a reply promises (docs/decisions/014-what-a-reply-promises.md):
  ok       2xx: stored, but for the items that its partial success tells of
  fail     any other status: nothing of the request is stored; so does a connection that was refused
  unknown  the one error that says so of itself (Status.code 4, or a problem outcome_unknown), and no reply at all
"""
import collections
import json
import threading
import time

OK, FAIL, UNKNOWN = "ok", "fail", "unknown"
DEADLINE_EXCEEDED, PROBLEM_UNKNOWN = 4, "urn:tracekin:problem:outcome_unknown"


def outcome_of(status, body):
    """What a reply promises of the whole request; body is what it says, parsed."""
    if 200 <= status < 300:
        return OK
    says_unknown = body.get("code") == DEADLINE_EXCEEDED or body.get("type") == PROBLEM_UNKNOWN
    return UNKNOWN if says_unknown else FAIL


class Batch:
    """A request: its items' ids, of which rejected are not such as can be stored, and what came of each time it was sent."""

    def __init__(self, number, signal, ids, rejected=()):
        self.number, self.signal, self.ids, self.rejected = number, signal, list(ids), set(rejected)
        self.attempts = []

    def note(self, outcome, said):
        self.attempts.append((outcome, said))

    def outcome(self):
        """Of all attempts: one that was stored stored it; else one that may have been leaves it open."""
        outcomes = [outcome for outcome, _ in self.attempts]
        return next((o for o in (OK, UNKNOWN) if o in outcomes), FAIL)


class History:
    """All batches; written down as it happens, a line an attempt."""

    def __init__(self, path=None):
        self.batches, self._lock, self._began = {}, threading.Lock(), time.monotonic()
        self._log = open(path, "w", encoding="utf-8") if path else None

    def add(self, batch):
        with self._lock:
            self.batches[batch.number] = batch

    def note(self, batch, outcome, said):
        batch.note(outcome, said)
        if self._log:
            with self._lock:
                self._log.write(json.dumps({"t": round(time.monotonic() - self._began, 3), "batch": batch.number, "signal": batch.signal,
                                            "items": len(batch.ids), "attempt": len(batch.attempts), "outcome": outcome, "said": said}) + "\n")
                self._log.flush()

    def so_far(self):
        with self._lock:
            return list(self.batches.values())

    def counts(self):
        return collections.Counter(batch.outcome() for batch in self.so_far())

    def attempts(self):
        return collections.Counter(outcome for batch in self.so_far() for outcome, _ in batch.attempts)


def violations(batches, stored):
    """What is wrong; stored counts (signal, id). Each line names the batch and what its attempts were told."""
    found, known = [], set()
    for batch in batches:
        outcome, told = batch.outcome(), "; ".join(f"{o} ({said})" for o, said in batch.attempts)
        lost, kept, twice, not_such = [], [], [], []
        for item in batch.ids:
            n = stored.get((batch.signal, item), 0)
            known.add((batch.signal, item))
            if item in batch.rejected:
                not_such += [item] * (n > 0)
                continue
            lost += [item] * (n == 0 and outcome == OK)
            kept += [item] * (n > 0 and outcome == FAIL)
            twice += [item] * (n > 1)
        wanted = [item for item in batch.ids if item not in batch.rejected]
        in_part = [item for item in wanted if not stored.get((batch.signal, item))]
        if len(in_part) == len(wanted) or outcome == OK:
            in_part = []
        for what, items in (("was acknowledged and is lost", lost), ("was refused and is stored", kept), ("is stored more than once", twice),
                            ("was rejected and is stored", not_such),
                            ("is missing where the rest is stored", in_part)):
            if items:
                found.append(f"{len(items)} of the {len(batch.ids)} items of batch {batch.number} of {batch.signal}: what {what}, such as "
                             f"{items[0]}; attempts: {told}")
    for signal, item in stored.keys() - known:
        found.append(f"item {item} of {signal} is stored and was never sent")
    return found
