"""The frame of every page, and the pieces that sections are made of."""

from __future__ import annotations

import pkgutil
from typing import Iterable, List, NamedTuple, Optional, Sequence, Tuple

from topforge import __version__
from topforge.report.markup import NOTHING, Content, Html, element

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Tells the browser what we promise: nothing is loaded, nothing is run."""


class Section(NamedTuple):
    """A part of the page with a heading, named in the page's menu."""

    identity: str
    title: str
    content: Content
    menu: str = ""
    """Shorter title for the menu."""


def page(title: str, header: Content, sections: Iterable[Optional[Section]]) -> Html:
    """The whole file. Sections that are None have nothing to say and are left out."""
    shown = [section for section in sections if section is not None]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="generator", content="TopForge " + __version__),
        element("title", title),
        element("style", Html(_style())),
    )
    items = [
        element("li", element("a", section.menu or section.title, href="#" + section.identity)) for section in shown
    ]
    menu = element("nav", element("ul", items), aria_label="Sections") if len(items) > 1 else NOTHING
    body = element("main", element("header", header), menu, [_section(section) for section in shown])
    foot = element("footer", "TopForge %s \u00b7 this page is one file and needs no network." % __version__)
    return Html("<!DOCTYPE html>\n" + element("html", head, element("body", body, foot), lang="en") + "\n")


def _style() -> str:
    """The style sheet; through the loader, which also reads from zip files."""
    content = pkgutil.get_data(__package__, "style.css")
    assert content is not None
    return content.decode("utf-8")


def _section(section: Section) -> Html:
    heading = element("h2", section.title, id=section.identity + "-title")
    return element(
        "section", heading, section.content, id=section.identity, aria_labelledby=section.identity + "-title"
    )


def note(*words: Content) -> Html:
    """A paragraph that explains."""
    return element("p", *words, class_="note")


def table(
    headings: Sequence[str], rows: Iterable[Sequence[Content]], class_: str = "", numbers: Sequence[int] = ()
) -> Html:
    """A table whose first column names the row.

    Args:
        headings: One for each column.
        rows: Cells.
        class_: Further CSS class.
        numbers: Indices of columns that are set flush right.
    """
    head = [element("th", title, scope="col", class_=_aligned(i, numbers)) for i, title in enumerate(headings)]
    body: List[Html] = []
    for row in rows:
        cells = [element("th", row[0], scope="row")]
        cells += [element("td", cell, class_=_aligned(i, numbers)) for i, cell in enumerate(row[1:], start=1)]
        body.append(element("tr", cells))
    whole = element("table", element("thead", element("tr", head)), element("tbody", body), class_=class_ or None)
    return element("div", whole, class_="scroll")


def _aligned(index: int, numbers: Sequence[int]) -> Optional[str]:
    return "number" if index in numbers else None


def facts(pairs: Iterable[Tuple[str, Content]]) -> Html:
    """A list of names and values; those without a value are left out."""
    rows = [element("div", element("dt", name), element("dd", content)) for name, content in pairs if content]
    return element("dl", rows, class_="facts")


def code(words: str) -> Html:
    """Something to be read letter by letter."""
    return element("code", words)


def more(summary: Content, *contents: Content) -> Html:
    """Something that only some want to see: folded until asked for, and not printed."""
    return element("details", element("summary", summary), *contents)


def figure(picture: Content, caption: Content, class_: Optional[str] = None) -> Html:
    """A picture with its words."""
    return element("figure", picture, element("figcaption", caption), class_=class_)
