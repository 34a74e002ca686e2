"""The short entries: `.init`, `.order`, `.net`, `.inp`, `.multiparm`, and where a network dot leads."""

from __future__ import annotations

import json
import re
from typing import List, Sequence, Tuple

from topforge_scene.errors import SceneError
from topforge_scene.network import Connection
from topforge_scene.scanner import Scanner, text_of

NETWORK = b"1\n"
"""Content of `.net`."""
NOTE = "postitnote"
"""Type of a sticky note, as its `.postitinit` has it."""

_TYPE = re.compile(r"type = (\S+)\nmatchesdef = ([01])\n")
_COUNT = re.compile(r"(\d{1,6})\n")
_NAME = re.compile(r"(\S+)\n")
_INPUT = re.compile(r"\d+ \S+ \S+ \d+ \d+ [^\n]*\n")
_LINK = re.compile(r"(\S+) (\S+)\n")
_DOT = re.compile(r"(\S+) (\d{1,6}) \d+")


def write_type(type_name: str, matches_definition: bool) -> bytes:
    """`.init` (and `.postitinit`)."""
    return ("type = %s\nmatchesdef = %d\n" % (type_name, matches_definition)).encode("utf-8")


def read_type(data: bytes, where: str) -> Tuple[str, bool]:
    """Type and whether the contents come from its definition."""
    scanner = Scanner(data, where)
    match = scanner.expect(_TYPE, "`type = NAME` and `matchesdef = 0` or 1")
    scanner.finish()
    return match.group(1), match.group(2) == "1"


def write_order(names: Sequence[str]) -> bytes:
    """`.order`."""
    return "".join("%s\n" % word for word in (len(names), *names)).encode("utf-8")


def read_order(data: bytes, where: str) -> List[str]:
    """Names of the children, in the order they were made."""
    scanner = Scanner(data, where)
    count = int(scanner.expect(_COUNT, "the number of nodes").group(1))
    names = [scanner.expect(_NAME, "a node's name").group(1) for _ in range(count)]
    scanner.finish()
    return names


def write_inputs(count: int) -> bytes:
    """`.inp`: how many inputs a subnet has, and where its inside shows them (editor units)."""
    rows = ['%d %g 6 2 0 __NO_OWNER_NETWORK_BOX__ "FROMOUTPUT"\n' % (index, 2.0 * index) for index in range(count)]
    return ("%d\n%s" % (count, "".join(rows))).encode("utf-8")


def read_inputs(data: bytes, where: str) -> int:
    """How many inputs a subnet has."""
    scanner = Scanner(data, where)
    count = int(scanner.expect(_COUNT, "the number of inputs").group(1))
    for _ in range(count):
        scanner.expect(_INPUT, "an input's place")
    scanner.finish()
    return count


def write_links(links: Sequence[Tuple[str, str]]) -> bytes:
    """`.multiparm`."""
    return ("%d\n%s" % (len(links), "".join("%s %s\n" % pair for pair in links))).encode("utf-8")


def read_links(data: bytes, where: str) -> Tuple[Tuple[str, str], ...]:
    """Instance parameters that follow the asset's."""
    scanner = Scanner(data, where)
    count = int(scanner.expect(_COUNT, "the number of links").group(1))
    links = [scanner.expect(_LINK, "two names").groups() for _ in range(count)]
    scanner.finish()
    return tuple((own, other) for own, other in links)


def read_dot(data: bytes, where: str) -> Connection:
    """What a network dot (`.networkdotinit`) is wired to; `Connection("")` when to nothing."""
    try:
        document = json.loads(text_of(data, where))
    except (ValueError, RecursionError) as error:
        raise SceneError(where, "not JSON: %s" % error) from None
    source = document.get("input", "") if isinstance(document, dict) else None
    if source == "":
        return Connection("")
    match = _DOT.fullmatch(source) if isinstance(source, str) else None
    if match is None:
        raise SceneError(where, 'no "input" of the form "name 0 1"')
    return Connection(match.group(1), int(match.group(2)))
