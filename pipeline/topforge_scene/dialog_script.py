"""The parameter interface of an asset, as DialogScript stores it: the model. `dialog_text` reads and writes it."""

from __future__ import annotations

import dataclasses
from typing import Iterator, Optional, Tuple, Union


@dataclasses.dataclass(frozen=True)
class Bound:
    """One end of a range."""

    value: float
    locked: bool = False
    """Typing a value beyond it is refused (`!`)."""


@dataclasses.dataclass(frozen=True)
class Menu:
    """The choices of a parameter."""

    items: Tuple[Tuple[str, str], ...] = ()
    """(token, label); empty when a script makes them."""
    script: Tuple[str, ...] = ()
    """Lines of the script that returns [token, label, token, label, ...]."""
    language: str = "python"
    """Of the script: "python" or "hscript"."""
    kind: str = "menu"
    """"menu" (only these), "menureplace" (these, or text typed), "menutoggle", "menumini", "menujoin"."""
    use_token_value: bool = False
    """An ordinal parameter evaluates to the token as a number, not to the position in the menu."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter (`parm { ... }`)."""

    name: str
    label: str
    type: str
    """string, file, directory, oppath, toggle, ordinal, button, integer, float, vector, intvector2, separator, ..."""
    size: int = 1
    default: Tuple[str, ...] = ("",)
    """One text for each component, as written between quotes."""
    default_language: Optional[str] = None
    """The defaults are expressions in this language: "hscript-expr" or "python"."""
    range: Optional[Tuple[Bound, Bound]] = None
    menu: Optional[Menu] = None
    help: str = ""
    hide_when: str = ""
    """Conditions as in the file: "{ trainer != topforge }"; groups are or-ed, what is inside one is and-ed."""
    disable_when: str = ""
    tags: Tuple[Tuple[str, str], ...] = ()
    """(key, value), in order: script_callback, script_callback_language, editor, filechooser_mode, ..."""
    join_next: bool = False
    no_label: bool = False
    invisible: bool = False

    def tag(self, key: str) -> Optional[str]:
        """The value of a tag."""
        return dict(self.tags).get(key)


@dataclasses.dataclass(frozen=True)
class Folder:
    """A folder of parameters."""

    name: str
    label: str
    items: Tuple[Entry, ...]
    kind: str = "group"
    """"group" (a tab), "groupsimple" (a titled box), "groupcollapsible", "groupradio"."""
    hide_when: str = ""
    disable_when: str = ""
    tags: Tuple[Tuple[str, str], ...] = ()
    """`grouptag`s: ("group_default", "1"), ..."""


@dataclasses.dataclass(frozen=True)
class Multiparm:
    """A list of parameters whose length the user sets; names of the items inside end in `#`."""

    name: str
    label: str
    items: Tuple[Entry, ...]
    default: int = 0
    kind: str = "multiparm"
    """"multiparm", "multiscroll", "multiswitcher", "multitab"."""
    help: str = ""
    hide_when: str = ""
    disable_when: str = ""
    tags: Tuple[Tuple[str, str], ...] = ()


Entry = Union[Parameter, Folder, Multiparm]


@dataclasses.dataclass(frozen=True)
class DialogScript:
    """A whole interface."""

    name: str
    """The operator's full name."""
    label: str
    items: Tuple[Entry, ...]
    script: str = ""
    """Base of the names of new nodes; "" = `name`."""
    help: Tuple[str, ...] = ("",)
    input_labels: Tuple[str, ...] = ()
    """By input number."""
    output_labels: Tuple[str, ...] = ()


def parameters(items: Tuple[Entry, ...]) -> Iterator[Union[Parameter, Multiparm]]:
    """Every parameter and multiparm at any depth, in the order of the interface; folders are passed through."""
    for item in items:
        if not isinstance(item, Folder):
            yield item
        if not isinstance(item, Parameter):
            yield from parameters(item.items)
