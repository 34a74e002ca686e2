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
    """One text for each component, as written between quotes. None at all: the type's own default."""
    default_language: Optional[str] = None
    """The defaults are expressions in this language: "hscript-expr" or "python"."""
    default_languages: Tuple[Optional[str], ...] = ()
    """The same by component, where only some of them are expressions; empty when they all agree."""
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
    base: bool = False
    """The node has it anyway (`baseparm`); only its place in the interface is told, and there may be no type."""
    spare: bool = False
    unquoted: bool = False
    export: str = ""
    """Of shaders and render nodes: "none", "all", "dialog"."""
    callback: str = ""
    """Hscript that runs when it changes, in the old form; new ones are tags."""
    bind_selector: Tuple[str, ...] = ()
    """The nine words of a viewport selector."""

    def language(self, component: int) -> Optional[str]:
        """Of the default of one component; None when it is a plain value."""
        return self.default_languages[component] if self.default_languages else self.default_language

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
    parm_tags: Tuple[Tuple[str, str], ...] = ()
    """`parmtag`s of the folder itself, which old assets have."""
    hide_when_tab: str = ""
    """Hides this tab only, where `hide_when` hides the whole strip of tabs."""
    disable_when_tab: str = ""
    invisible: bool = False
    invisible_tab: bool = False
    tab_break: bool = False
    """It begins a new strip of tabs."""
    no_label: bool = False
    join_next: bool = False
    base: bool = False
    help: str = ""
    export: str = ""


@dataclasses.dataclass(frozen=True)
class Multiparm:
    """A list of parameters whose length the user sets; names of the items inside end in `#`."""

    name: str
    label: str
    items: Tuple[Entry, ...]
    default: Optional[int] = 0
    """How many instances a new node has; None when the file does not say."""
    kind: str = "multiparm"
    """"multiparm", "multiscroll", "multiswitcher", "multitab"."""
    range: Optional[Tuple[Bound, Bound]] = None
    help: str = ""
    hide_when: str = ""
    disable_when: str = ""
    tags: Tuple[Tuple[str, str], ...] = ()
    """`parmtag`s: ("multistartoffset", "0"), ..."""
    group_tags: Tuple[Tuple[str, str], ...] = ()
    invisible: bool = False
    no_label: bool = False
    join_next: bool = False
    base: bool = False
    export: str = ""


Entry = Union[Parameter, Folder, Multiparm]


@dataclasses.dataclass(frozen=True)
class Statement:
    """What only shaders, operators of VEX code and viewport handles have, kept word by word."""

    keyword: str
    """input, output, inputflags, signature, outputoverrides, code, bindhandle, rendermask, parmtag, ..."""
    words: Tuple[str, ...] = ()
    block: Optional[Tuple[str, ...]] = None
    """The words between its braces; None without braces."""


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
    """By input: `input_labels[0]` is what the file calls 1; "" where the file names none."""
    output_labels: Tuple[str, ...] = ()
    statements: Tuple[Statement, ...] = ()


def parameters(items: Tuple[Entry, ...]) -> Iterator[Union[Parameter, Multiparm]]:
    """Every parameter and multiparm at any depth, in the order of the interface; folders are passed through."""
    for item in items:
        if not isinstance(item, Folder):
            yield item
        if not isinstance(item, Parameter):
            yield from parameters(item.items)
