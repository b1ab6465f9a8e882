"""The language of q in log search (db/question/log_query.h): words, "phrases", prefix*, each excluded by a '-' before it."""
import re
from functools import lru_cache

import grams

TERM = re.compile(r'\s*(-?)(?:"((?:[^"\\]|\\.)*)"|([^\s"][^\s]*))\s*')
WORD = re.compile(r"[0-9A-Za-z_]")
EDGE = r"(?:(?<!\w)|(?!\w))"


def like_of(part):
    return "%" + re.sub(r"([%_\\])", r"\\\1", part) + "%"


def _boundary(beside, word):
    if ord(beside) >= 0x80:
        return EDGE
    return word if WORD.match(beside) else ""


def _regex(text, is_phrase, is_prefix):
    regex = re.sub(r"([^0-9A-Za-z_\u0080-\U0010ffff])", r"\\\1", text)
    if is_phrase:
        return regex
    return _boundary(text[0], r"\m") + regex + ("" if is_prefix else _boundary(text[-1], r"\M"))


@lru_cache(maxsize=4096)
def parse(query):
    """(parts for ILIKE, regular expressions of words, excluded ones, grams wanted); ValueError."""
    parts, words, excluded, wanted, at = [], [], [], set(), 0
    query = query.strip()
    while at < len(query) or not query:
        term = TERM.match(query, at)
        if not term:
            raise ValueError("q takes words, phrases in quotes and prefix*")
        at = term.end()
        is_excluded, phrase, word = bool(term[1]), term[2], term[3]
        is_phrase, is_prefix = phrase is not None, bool(word and word.endswith("*"))
        literal = re.sub(r"\\(.)", r"\1", phrase) if is_phrase else word.removesuffix("*")
        if not literal:
            raise ValueError("q has a '-', '*' or pair of quotes with nothing to look for")
        if is_excluded:
            excluded.append(_regex(literal, is_phrase, is_prefix))
            continue
        parts.append(like_of(literal))
        if not is_phrase:
            words.append(_regex(literal, False, is_prefix))
        wanted |= grams.of_part(literal, not is_phrase and bool(WORD.match(literal[0])),
                                not is_phrase and not is_prefix and bool(WORD.match(literal[-1])))
    return parts, words, excluded, frozenset(wanted)
