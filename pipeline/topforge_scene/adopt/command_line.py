"""A Generic Generator's command, taken apart as PDG does without a shell: words, with quotes around blanks."""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, Optional, Sequence

from topforge.trainers.command import PLACES
from topforge_scene.adopt.reasons import ReasonError, UnknownAttributeError
from topforge_scene.adopt.text import Piece, Reference, Text, filled, is_literal, joined, literal, unknown

_SHELL = "|&;<>"
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_PDG_TOKEN = re.compile(r"__PDG_\w+?__")
_SPECIAL = re.compile(r"[\s\"'|&;<>]")


def split(command: Text, attributes: Mapping[str, Text], node: str) -> List[Text]:
    """The words of a command.

    Args:
        command: With references to attributes.
        attributes: What these hold. Inside quotes, and where their text holds nothing special, references stay
            references; elsewhere they are replaced first, as blanks in them make words.
        node: Path of the node, for reasons.

    Raises:
        ReasonError: Shell syntax, a quote that does not end, or an attribute that nothing sets.
    """
    missing = unknown(command, attributes)
    if missing is not None:
        raise UnknownAttributeError(node, "the command", missing)
    splitter = _Splitter(node)
    for piece in command:
        if isinstance(piece, str):
            splitter.literal(piece)
        else:
            splitter.reference(piece, attributes[piece.name])
    return splitter.finish()


def values_of(words: Sequence[Text], attributes: Mapping[str, Text]) -> Dict[str, str]:
    """Text by name of the attributes that the words refer to and that do not vary."""
    used = [piece.name for word in words for piece in word if isinstance(piece, Reference)]
    return {name: literal(attributes[name]) for name in dict.fromkeys(used) if is_literal(attributes[name])}


def resolved(word: Text, attributes: Mapping[str, Text]) -> Optional[str]:
    """The whole text of a word, None when it varies."""
    whole = filled(word, attributes)
    return literal(whole) if is_literal(whole) else None


def as_argument(word: Text, names: Sequence[str], node: str) -> str:
    """A word as the `command` adapter writes it, `{NAME}` for a reference.

    Args:
        word: The word.
        names: Of all values: literal text that looks like one of them cannot be written.
        node: For reasons.
    """
    parts = []
    for piece in word:
        if isinstance(piece, Reference):
            parts.append("{%s}" % piece.name)
            continue
        clash = next((name for name in (*names, *PLACES) if "{%s}" % name in piece), None)
        if clash is not None:
            raise ReasonError(node, "the command holds {%s}, which means something else in a job" % clash)
        parts.append(piece)
    return "".join(parts)


class _Splitter:
    def __init__(self, node: str) -> None:
        self.node = node
        self.words: List[Text] = []
        self.pieces: Optional[List[Piece]] = None  # of the word that has begun
        self.quote = ""

    def literal(self, text: str) -> None:
        for token in _PDG_TOKEN.findall(text):
            raise ReasonError(self.node, "the command uses %s, which the scheduler fills in" % token)
        for character in text:
            self._character(character)

    def reference(self, reference: Reference, text: Text) -> None:
        if text == (reference,) and reference.name in PLACES:
            raise ReasonError(self.node, "the varied attribute %s has a name that jobs use themselves" % reference.name)
        if text == (reference,) or self._stands_alone(reference, text):
            self._add(reference)
        else:
            self._inline(text)

    def _stands_alone(self, reference: Reference, text: Text) -> bool:
        """Whether the attribute can stay a value of its own: putting its text in later gives the same words."""
        if reference.name in PLACES or not is_literal(text):
            return False
        plain = literal(text)
        return self.quote not in plain if self.quote else bool(plain) and not _SPECIAL.search(plain)

    def _inline(self, text: Text) -> None:
        for piece in text:
            if isinstance(piece, str):
                self.literal(piece)
            else:
                self._add(piece)

    def finish(self) -> List[Text]:
        if self.quote:
            raise ReasonError(self.node, "a quote (%s) in the command does not end" % self.quote)
        self._end_word()
        if not self.words:
            raise ReasonError(self.node, "the command is empty")
        first = self.words[0]
        if first and isinstance(first[0], str) and _ASSIGNMENT.fullmatch(first[0]):
            raise ReasonError(self.node, "the command begins with %s, which only a shell understands" % first[0])
        return self.words

    def _character(self, character: str) -> None:
        if self.quote:
            if character == self.quote:
                self.quote = ""
            else:
                self._add(character)
        elif character in "\"'":
            self.quote = character
            self._add("")
        elif character.isspace():
            self._end_word()
        elif character in _SHELL:
            raise ReasonError(self.node, 'the command holds "%s", which only a shell understands' % character)
        else:
            self._add(character)

    def _add(self, piece: Piece) -> None:
        self.pieces = [*(self.pieces or []), piece]

    def _end_word(self) -> None:
        if self.pieces is not None:
            self.words.append(joined(self.pieces))
        self.pieces = None
