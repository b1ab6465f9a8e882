"""Walking through logs or errors in the order of time until enough is found (db/question/walk.c, db/chunk/chunk_find.c): first the nearest rows,
then only the ranges of time whose chunks have the grams wanted, or, where none are known, scans of growing length."""
import datetime
from dataclasses import dataclass, field

import grams as gram
import statements

FIRST, GROWTH, BUDGET = 1000, 10, 1_000_000
RANGES_MAX, GROUP_ROWS, GAP_SHARE = 1024, 256, 8
DAY_NS = 86_400_000_000_000
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def time_of(ns):
    return EPOCH + datetime.timedelta(microseconds=ns // 1000)


@dataclass
class Walk:
    connection: object
    noun: str          # of its chunks: log or error
    statement: object
    filters: dict
    start: int
    end: int
    wanted: set        # grams; empty: unknown
    limit: int
    oldest_first: bool = False
    budget: int = BUDGET
    after: tuple = None  # (ns, id) where the next scan begins
    found: list = field(default_factory=list)

    def is_on(self):
        return len(self.found) < self.limit and self.budget > 0

    def bounds(self, start, end):
        low, high = (start, b""), (end, b"")
        if self.after and self.oldest_first and self.after[0] >= start:
            low = self.after
        if self.after and not self.oldest_first and self.after[0] < end:
            high = self.after
        bounds = {"low_ns": low[0], "low_id": low[1], "high_ns": high[0], "high_id": high[1]}
        if self.noun == "log":
            bounds.update(low_time=time_of(low[0]), high_time=time_of(high[0]))
        return bounds

    async def scan(self, start, end, n_max):
        """Whether it was cut at its bound of rows."""
        n_max, is_cut = min(n_max, self.budget), False
        rows = await self.connection.execute(
            self.statement,
            {**self.filters, **self.bounds(start, end), "limit": self.limit - len(self.found), "n_rows": n_max})
        for row in rows.all():
            *item, is_match, n, is_last = row
            if is_match:
                self.found.append(item)
            if is_last:
                self.budget -= n
                is_cut = n == n_max
                self.after = (item[0], item[1]) if is_cut else self.after
        return is_cut

    async def ranges(self, start, end):
        """The ranges of time that may hold what is wanted, near ones joined, and whether there are no more."""
        raw = (await self.connection.get_raw_connection()).driver_connection
        await raw.execute("BEGIN READ ONLY; SET LOCAL enable_seqscan = off")
        try:
            rows = (await self.connection.execute(statements.CHUNKS[self.noun][self.oldest_first], {
                "from_time": time_of(start // DAY_NS * DAY_NS), "to_time": time_of(end - 1), "first_ns": start, "last_ns": end - 1,
                "grams": gram.last(self.wanted), "limit": RANGES_MAX})).all()
        finally:
            await raw.execute("COMMIT")
        joined = []
        for from_ns, to_ns, n_rows in rows:
            from_ns, to_ns = max(from_ns, start), min(to_ns + 1, end)
            before = joined[-1] if joined else None
            gap = before and (from_ns - before[1] if self.oldest_first else before[0] - to_ns)
            if before and gap <= (before[1] - before[0]) // GAP_SHARE:
                before[:] = min(before[0], from_ns), max(before[1], to_ns), before[2] + n_rows
            else:
                joined.append([from_ns, to_ns, n_rows])
        return joined, len(rows) < RANGES_MAX

    def is_passed(self, start, end):
        return self.after and (end <= self.after[0] if self.oldest_first else start > self.after[0])

    async def scan_group(self, group):
        """Small neighbours are read together with what is between them; where that is much, one by one."""
        is_cut = True
        if len(group) > 1:
            is_cut = await self.scan(min(r[0] for r in group), max(r[1] for r in group), 4 * GROUP_ROWS)
        for start, end, _ in group if is_cut else ():
            if self.is_on() and not self.is_passed(start, end):
                await self.scan(start, end, self.budget)

    async def scan_ranges(self, ranges):
        while ranges and self.is_on():
            n, n_rows = 1, ranges[0][2]
            while n < len(ranges) and n_rows + ranges[n][2] <= GROUP_ROWS:
                n_rows += ranges[n][2]
                n += 1
            await self.scan_group(ranges[:n])
            ranges = ranges[n:]

    async def scan_chunks(self):
        start, end = (self.after[0], self.end) if self.oldest_first else (self.start, self.after[0] + 1)
        is_all = False
        while self.is_on() and not is_all:
            ranges, is_all = await self.ranges(start, end)
            await self.scan_ranges(list(ranges))
            if ranges:
                start, end = (ranges[-1][1], end) if self.oldest_first else (start, ranges[-1][0])

    async def run(self):
        is_cut = await self.scan(self.start, self.end, FIRST)
        if is_cut and self.is_on() and self.wanted:
            await self.scan_chunks()
            return self.found
        n = FIRST * GROWTH
        while is_cut and self.is_on():
            is_cut = await self.scan(self.start, self.end, n)
            n *= GROWTH
        return self.found
