#!/usr/bin/env python3
"""Asks a service with the lines of lines.py for them: ask.py URL TIMES. Prints a line a search: its name, how many records it
found, and the median of the milliseconds until the whole answer was there, with a tab in between."""
import json
import statistics
import sys
import time
import urllib.parse
import urllib.request

DAY = {"start": "2023-01-29T00:00:00Z", "end": "2023-01-30T00:00:00Z", "limit": "100"}
SEARCHES = [
    ("a rare word: q=quotaexceeded", {"q": "quotaexceeded"}),
    ("the same, oldest first", {"q": "quotaexceeded", "order": "asc"}),
    ("no such word: q=nowhere", {"q": "nowhere"}),
    ("two words, one common: q=request quota*", {"q": "request quota*"}),
    ("a common word: q=request", {"q": "request"}),
    ("a word of the older half: q=legacygateway", {"q": "legacygateway"}),
    ("contains=VOLUME vol-7f", {"contains": "VOLUME vol-7f"}),
    ("a part of an id: contains=f3a91c2b4d5e", {"contains": "f3a91c2b4d5e"}),
    ("regex=quota[a-z]+ on volume", {"regex": "quota[a-z]+ on volume"}),
    ("level=error", {"level": "error"}),
    ("service=reaper", {"service": "reaper"}),
    ("level=error, a service that has none", {"level": "error", "service": "cart-service"}),
]


def ask(url, search):
    n_items, cursor = 0, None
    begun = time.perf_counter()
    while True:
        query = {**DAY, **search, **({"cursor": cursor} if cursor else {})}
        with urllib.request.urlopen(f"{url}/api/v1/logs?{urllib.parse.urlencode(query)}", timeout=120) as reply:
            answer = json.load(reply)
        n_items += len(answer["items"])
        cursor = answer["next_cursor"]
        if not cursor or n_items >= int(DAY["limit"]):
            return n_items, (time.perf_counter() - begun) * 1e3


def main():
    url, times = sys.argv[1], int(sys.argv[2])
    for name, search in SEARCHES:
        runs = [ask(url, search) for _ in range(times)]
        print(name, runs[0][0], f"{statistics.median(ms for _, ms in runs):.1f}", sep="\t")


main()
