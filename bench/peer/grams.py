"""The grams that a search wants (core/grams.h, db/chunk/chunk.c): by them the chunks are found that may hold it."""
import re

import xxhash

TRIGRAMS, END, KEPT = 1 << 18, 1 << 21, 64
WORD_MIN, PIECE_LEN, PIECE_RUN_MIN, SEED_TAG = 3, 6, 11, 2
M64 = (1 << 64) - 1
OTHERS = b" !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
WORD = re.compile(rb"[0-9A-Za-z_]+")
LEVELS = 7
TAG_LEVEL, TAG_SERVICE_LEVEL = 0, LEVELS
TAG_SERVICE, TAG_NAME, TAG_TYPE = 2 * LEVELS, 2 * LEVELS + 1, 2 * LEVELS + 2


def _code(c):
    if c >= 0x80:
        return 0
    if 0x30 <= c <= 0x39:
        return 28
    if chr(c).isalpha():
        return 2 + (c | 0x20) - 0x61
    return 29 + OTHERS.index(c) if c in OTHERS else 1


CODES = [_code(c) for c in range(256)]


def _hashed(value):
    return TRIGRAMS + value % (END - TRIGRAMS)


def _trigrams(part):
    codes = [CODES[c] for c in part]
    return {a << 12 | b << 6 | c for a, b, c in zip(codes, codes[1:], codes[2:]) if a and b and c}


def _word(word):
    value = 0xCBF29CE484222325
    for c in word:
        value = (value ^ c) * 0x100000001B3 & M64
    return _hashed(value)


def _pieces(word):
    if len(word) < PIECE_RUN_MIN or not re.search(rb"[0-9]", word):
        return set()
    hashes = [(int.from_bytes(word[i:i + PIECE_LEN], "big") + 1) * 0x9E3779B97F4A7C15 & M64
              for i in range(len(word) - PIECE_LEN + 1)]
    return {_hashed(min(hashes[i:i + PIECE_LEN]) >> 20) for i in range(len(hashes) - PIECE_LEN + 1)}


def of_part(text, begins=False, ends=False):
    """Of a part of a message; begins, ends: there a word of the message begins or ends, too."""
    part = text.encode()
    found = _trigrams(part)
    for match in WORD.finditer(part):
        i, end, word = match.start(), match.end(), match.group().lower()
        if (part[i - 1] < 0x80 if i else begins) and (part[end] < 0x80 if end < len(part) else ends):
            found |= {_word(word)} if len(word) >= WORD_MIN else set()
        else:
            found |= _pieces(word)
    return found


def of_tag(kind, value):
    return {_hashed(xxhash.xxh3_64_intdigest(value.encode(), SEED_TAG + kind))}


def of_like(pattern):
    """Of what stands literally between the wildcards of a LIKE pattern."""
    parts, part, is_escaped = [], "", False
    for c in pattern:
        if not is_escaped and c == "\\":
            is_escaped = True
        elif not is_escaped and c in "%_":
            parts.append(part)
            part = ""
        else:
            part, is_escaped = part + c, False
    return set().union(*(of_part(p) for p in [*parts, part]))


def last(grams):
    return sorted(grams)[-KEPT:]
