"""Protobuf messages written down as text, and their bytes.

    1: { 2: "text"  3: 42  4: `0a0b`  5: fixed64 7  6: fixed32 7  7: double 1.5  8: sint 3 }

Each field is its number, a colon and a value: a quoted string (JSON escapes), bytes in hex between backquotes, a
varint, a number of fixed width, or a nested message in braces. '#' begins a comment.
"""
import json
import re
import struct

TOKEN = re.compile(r'\s+|#[^\n]*|(?P<token>"(?:\\.|[^"\\])*"|`[0-9a-fA-F\s]*`|[{}]|[\w.+-]+:?)')
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
FIXED = {"fixed64": (FIXED64, "<Q", int), "sfixed64": (FIXED64, "<q", int), "double": (FIXED64, "<d", float),
         "fixed32": (FIXED32, "<I", int), "float": (FIXED32, "<f", float)}


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def zigzag(number):
    return number << 1 ^ number >> 63


def tokens(text):
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise ValueError(f"not understood: {text[at:at + 40]!r}")
        at = match.end()
        if match["token"]:
            yield match["token"]


def sized(data):
    return LENGTH, varint(len(data)) + data


def value(token, rest):
    if token == "{":
        return sized(message(rest, "}"))
    if token[0] == '"':
        return sized(json.loads(token).encode())
    if token[0] == "`":
        return sized(bytes.fromhex(token[1:-1]))
    if token == "sint":
        return VARINT, varint(zigzag(int(next(rest))))
    if token in FIXED:
        wire, layout, read = FIXED[token]
        return wire, struct.pack(layout, read(next(rest)))
    return VARINT, varint(int(token))


def message(rest, end=None):
    out = bytearray()
    for token in rest:
        if token == end:
            return bytes(out)
        wire, data = value(next(rest), rest)
        out += varint(int(token.rstrip(":")) << 3 | wire) + data
    if end:
        raise ValueError("a brace is not closed")
    return bytes(out)


def encode(text):
    return message(tokens(text))
