#!/usr/bin/env python3
"""The checker finds a lost item, a duplicate, a stored failure, a stored reject and an item nobody sent; and nothing where all is well.
So does what judges growth."""
import types
import unittest

from history import FAIL, OK, UNKNOWN, Batch, outcome_of, violations
from sizes import SPARES, judge


def batch(*outcomes, rejected=()):
    made = Batch(7, "logs", ["a", "b"], rejected)
    for outcome in outcomes:
        made.note(outcome, "said")
    return made


def stored(**counts):
    return {("logs", item): n for item, n in counts.items()}


class Checker(unittest.TestCase):
    def finds(self, what, made, there):
        found = violations([made], there)
        self.assertEqual(len(found), 1, found)
        self.assertIn(what, found[0])

    def test_nothing_where_all_is_well(self):
        for made, there in ((batch(OK), stored(a=1, b=1)), (batch(FAIL), {}), (batch(UNKNOWN), {}), (batch(UNKNOWN), stored(a=1, b=1)),
                            (batch(FAIL, UNKNOWN, OK), stored(a=1, b=1)), (batch(OK, rejected="b"), stored(a=1)),
                            (batch(UNKNOWN, FAIL), stored(a=1, b=1)), (batch(), {})):
            self.assertEqual(violations([made], there), [])

    def test_a_lost_item(self):
        self.finds("acknowledged and is lost", batch(OK), stored(a=1))

    def test_an_item_lost_though_only_the_second_attempt_was_acknowledged(self):
        self.finds("acknowledged and is lost", batch(FAIL, OK), stored(b=1))

    def test_a_duplicate(self):
        self.finds("more than once", batch(UNKNOWN, OK), stored(a=1, b=2))

    def test_a_stored_failure(self):
        self.finds("refused and is stored", batch(FAIL, FAIL), stored(a=1, b=1))

    def test_half_a_batch(self):
        self.finds("missing where the rest", batch(UNKNOWN), stored(b=1))

    def test_a_stored_reject(self):
        self.finds("rejected and is stored", batch(OK, rejected="b"), stored(a=1, b=1))

    def test_an_item_nobody_sent(self):
        self.finds("never sent", batch(OK), stored(a=1, b=1, c=1))

    def test_what_a_reply_promises(self):
        for status, body, outcome in ((200, {}, OK), (400, {"code": 3}, FAIL), (503, {"code": 14}, FAIL), (503, {"code": 4}, UNKNOWN),
                                      (500, {"code": 13}, FAIL), (503, {"type": "urn:tracekin:problem:busy"}, FAIL),
                                      (503, {"type": "urn:tracekin:problem:outcome_unknown"}, UNKNOWN)):
            self.assertEqual(outcome_of(status, body), outcome)


class Growth(unittest.TestCase):
    @staticmethod
    def sizes(n, **more):
        return [types.SimpleNamespace(**{name: 50 + more.get(name, 0) for name in SPARES}) for _ in range(n)]

    def test_nothing_of_what_stays(self):
        self.assertEqual(judge(self.sizes(9), self.sizes(5))[1], [])

    def test_each_that_grows(self):
        for name, spare in SPARES.items():
            self.assertEqual(len(judge(self.sizes(9), self.sizes(5, **{name: spare + 1}))[1]), 1)


unittest.main()
