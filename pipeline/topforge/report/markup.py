"""HTML and SVG from Python, safe by construction: text is escaped unless it is `Html` already.

    element("p", "1 < 2, see ", element("a", "here", href="#x"), class_="note")

A trailing underscore of an attribute's name is dropped (`class_`), other underscores become hyphens (`stroke_width`).
"""

from __future__ import annotations

import html
from typing import Sequence, Union

_VOID = frozenset(("area", "br", "col", "hr", "img", "input", "link", "meta"))
"""Elements without content and closing tag."""


class Html(str):
    """Text that is markup: inserted as it is."""

    __slots__ = ()


Content = Union[str, Html, None, Sequence["Content"]]
Attribute = Union[str, int, float, bool, None]
NOTHING = Html("")


def text(content: Content) -> Html:
    """Content as markup: plain text escaped, sequences joined, None left out."""
    if content is None:
        return NOTHING
    if isinstance(content, Html):
        return content
    if isinstance(content, str):
        return Html(html.escape(_printable(content), quote=False))
    return Html("".join(text(entry) for entry in content))


def element(name: str, /, *contents: Content, **attributes: Attribute) -> Html:
    """One element. An attribute that is None or False is left out; True stands without a value."""
    opening = "<%s%s>" % (name, "".join(_attribute(key, value) for key, value in attributes.items()))
    if name in _VOID:
        return Html(opening)
    return Html("%s%s</%s>" % (opening, "".join(map(text, contents)), name))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return " " + name
    shown = "%g" % round(value, 2) if isinstance(value, float) else str(value)
    return ' %s="%s"' % (name, html.escape(_printable(shown), quote=True))


def _printable(value: str) -> str:
    """Without the characters that HTML forbids: controls, and halves of characters from undecodable file names."""
    return "".join(
        c if c in "\n\t" or not (c < " " or "\x7f" <= c < "\xa0" or _is_half(c)) else "\ufffd" for c in value
    )


def _is_half(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"
