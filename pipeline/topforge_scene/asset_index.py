"""The index of a library: one record for each operator, as text (`INDEX__SECTION`) and in binary (collapsed)."""

from __future__ import annotations

import calendar
import dataclasses
import re
import struct
import time
from typing import Dict, List, Sequence, Tuple

from topforge_scene.errors import SceneError

_KEYS = ("Operator", "Label", "Path", "Icon", "Table", "License", "Extra", "User")
_ORDER = (*_KEYS, "Inputs", "Outputs", "Subnet", "Python", "Empty", "Modified")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclasses.dataclass(frozen=True)
class Record:
    """What the index says about one operator."""

    operator: str
    label: str
    path: str
    """`oplib:/<operator path>?<operator path>`."""
    icon: str
    """Name of one of Houdini's icons, or `opdef:/<operator path>?IconSVG`."""
    table: str
    min_inputs: int
    max_inputs: int
    outputs: int
    subnet: bool
    """It has a network inside."""
    modified: int
    """Seconds since 1970, UTC."""
    license: str = ""
    extra: str = ""
    user: str = ""
    python: bool = False
    """It is written in Python, as a node type of its own; no TOP node is."""
    empty: bool = False


def to_text(records: Sequence[Record]) -> bytes:
    """`INDEX__SECTION`."""
    return "".join("".join("%-14s%s\n" % pair for pair in _pairs(record)) + "\n" for record in records).encode("utf-8")


def from_text(data: bytes, where: str) -> Tuple[Record, ...]:
    """The records of `INDEX__SECTION`.

    Raises:
        SceneError: A key that is missing, unknown, doubled or out of order, or a value that means nothing.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise SceneError(where, "not UTF-8") from None
    if not text.endswith("\n\n"):
        raise SceneError(where, "the last record is not followed by an empty line")
    records, line = [], 1
    for block in text[:-2].split("\n\n"):
        records.append(_record(block.split("\n"), where, line))
        line += block.count("\n") + 2
    return tuple(records)


def to_binary(records: Sequence[Record]) -> bytes:
    """`INDEX_SECTION` of a collapsed library."""
    return struct.pack(">I", len(records)) + b"".join(_packed(record) for record in records)


def from_binary(data: bytes, where: str) -> Tuple[Record, ...]:
    """The records of a collapsed library's `INDEX_SECTION`.

    Raises:
        SceneError: Truncated, of an unknown version, or followed by more.
    """
    try:
        count, position = struct.unpack_from(">I", data)[0], 4
        records = []
        for _ in range(count):
            record, position = _unpacked(data, position, where)
            records.append(record)
    except (struct.error, UnicodeDecodeError) as error:
        raise SceneError(where, "the index is damaged: %s" % error) from None
    if position != len(data):
        raise SceneError(where, "%d bytes follow the index" % (len(data) - position))
    return tuple(records)


def _pairs(record: Record) -> List[Tuple[str, str]]:
    values = dataclasses.asdict(record)
    pairs = [(key + ":", str(values[key.lower()])) for key in _KEYS]
    pairs.append(("Inputs:", "%d to %d" % (record.min_inputs, record.max_inputs)))
    if record.outputs != 1:
        pairs.append(("Outputs:", str(record.outputs)))
    pairs += [(key + ":", "true" if values[key.lower()] else "false") for key in ("Subnet", "Python", "Empty")]
    return [*pairs, ("Modified:", _clock(record.modified))]


def _record(lines: Sequence[str], where: str, first: int) -> Record:
    values: Dict[str, str] = {}
    for number, line in enumerate(lines, first):
        key = line.split(":", 1)[0]
        expected = [name for name in _ORDER if name not in values]
        if key not in expected[: 2 if expected[:1] == ["Outputs"] else 1] or not line.startswith("%-14s" % (key + ":")):
            raise SceneError(
                where, '"%s" expected, padded to 14 columns' % (expected[0] if expected else "nothing"), number
            )
        if key == "Subnet":
            values.setdefault("Outputs", "1")
        values[key] = line[14:]
    missing = [name for name in _ORDER if name not in values]
    if missing:
        raise SceneError(where, '"%s" is missing' % missing[0], first)
    return _checked(values, where, first)


def _checked(values: Dict[str, str], where: str, first: int) -> Record:
    inputs = re.fullmatch(r"([0-9]+) to ([0-9]+)", values["Inputs"])
    outputs = re.fullmatch(r"[0-9]+", values["Outputs"])
    flags = {key.lower(): values[key] for key in ("Subnet", "Python", "Empty")}
    if inputs is None or outputs is None or not set(flags.values()) <= {"true", "false"}:
        raise SceneError(where, "inputs, outputs, or what is true or false, cannot be read", first)
    texts = {key.lower(): values[key] for key in _KEYS}
    return Record(
        min_inputs=int(inputs.group(1)),
        max_inputs=int(inputs.group(2)),
        outputs=int(values["Outputs"]),
        modified=_seconds(values["Modified"], where, first + len(values) - 1),
        subnet=flags["subnet"] == "true",
        python=flags["python"] == "true",
        empty=flags["empty"] == "true",
        **texts,
    )


def _clock(seconds: int) -> str:
    moment = time.gmtime(seconds)  # spelled out: strftime would speak the machine's language
    day, month = _DAYS[moment.tm_wday], _MONTHS[moment.tm_mon - 1]
    return "%s %s %2d %02d:%02d:%02d %d" % (day, month, moment.tm_mday, *moment[3:6], moment.tm_year)


def _seconds(text: str, where: str, line: int) -> int:
    match = re.fullmatch(
        r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ 0-9][0-9]) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([0-9]{4})", text
    )
    if match is not None and match.group(1) in _MONTHS:
        month, (day, hour, minute, second, year) = _MONTHS.index(match.group(1)) + 1, map(int, match.groups()[1:])
        seconds = calendar.timegm((year, month, day, hour, minute, second))
        if _clock(seconds) == text:
            return seconds
    raise SceneError(where, '"%s" is no time as in "Tue Nov 14 22:13:20 2023"' % text, line)


def _text(text: str) -> bytes:
    raw = text.encode("utf-8")
    return struct.pack(">I", len(raw)) + raw


def _packed(record: Record) -> bytes:
    vop = ("vop", "VOPall") if record.table == "Vop" else ("", "")
    head = (record.operator, record.label, record.path, record.icon, "", "", record.table, *vop)
    parts = [struct.pack(">I", 4 if record.outputs == 1 else 5)]
    parts += [_text(text) for text in (*head, record.user, record.extra)]
    parts.append(struct.pack(">III", record.min_inputs, record.max_inputs, record.modified))
    parts.append(bytes((record.subnet, record.empty, record.python)))
    return b"".join(parts) + (b"" if record.outputs == 1 else struct.pack(">I", record.outputs))


def _unpacked(data: bytes, position: int, where: str) -> Tuple[Record, int]:
    start, version = position, struct.unpack_from(">I", data, position)[0]
    if version not in (4, 5):
        raise SceneError(where, "index records of version %d are not known" % version)
    texts, position = [], position + 4
    for _ in range(11):
        size = struct.unpack_from(">I", data, position)[0]
        texts.append(struct.unpack_from("%ds" % size, data, position + 4)[0].decode("utf-8"))
        position += 4 + size
    operator, label, path, icon, _, _, table, _, _, user, extra = texts
    low, high, modified, subnet, empty, python = struct.unpack_from(">III???", data, position)
    position += 15
    outputs = 1
    if version == 5:
        outputs, position = struct.unpack_from(">I", data, position)[0], position + 4
    record = Record(
        operator, label, path, icon, table, low, high, outputs, subnet, modified, "", extra, user, python, empty
    )
    if _packed(record) != data[start:position]:
        raise SceneError(where, "the record of %s holds something that no measured record has" % operator)
    return record, position
