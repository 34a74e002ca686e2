"""The guide says what is so: links lead somewhere, commands and flags exist, generated pages are up to date."""

import argparse
import importlib
import importlib.util
import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from topforge import cli

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md"), *(REPOSITORY / "hip").glob("*.md")])
MADE_BY_THE_READER = {"hip/mine.json"}
"""Files that a page asks its reader to write."""
MISTAKES = {"--learning_rat"}
"""Flags that a page gets wrong on purpose."""


def name(page):
    return page.relative_to(REPOSITORY).as_posix()


def without_code(text):
    """A page without its code, in which brackets are not links."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def code(text):
    """Every piece of code of a page: the lines of its blocks, indented ones too, and what stands between backticks."""
    inside = False
    for line in text.splitlines():
        if line.startswith("```"):
            inside = not inside
        elif inside or line.startswith("    "):
            yield line.strip()
        else:
            yield from re.findall(r"`([^`]+)`", line)


def commands(text):
    """Words of every call of `topforge` that a page shows."""
    for piece in code(text):
        for call in re.findall(r"(?:^|\$ |\$\()topforge +(.+)", piece):
            yield shlex.split(re.sub(r"\)\"?$", "", call).split("   ")[0].replace("...", ""), comments=True)


def flags_of(verb, words):
    """The flags a verb understands, the trainer's own among them."""
    parser = argparse.ArgumentParser()
    module = importlib.import_module("topforge.verbs." + verb.replace("-", "_"))
    module.add_arguments(parser)
    if hasattr(module, "add_options"):
        module.add_options(parser, words)
    return {"--debug", *parser._option_string_actions}


def anchors(page):
    """The names GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def wrong_calls(text):
    for words in commands(text):
        verb = words[0]
        if verb.isupper() or verb.startswith("-"):  # "topforge VERB ...", "topforge --help"
            continue
        if verb not in cli.VERBS:
            yield "there is no verb in: topforge " + " ".join(words)
            continue
        for word in words[1:]:
            flag = word.split("=")[0]
            if flag.startswith("--") and flag not in flags_of(verb, words[1:]) | MISTAKES:
                yield "topforge %s has no %s" % (verb, flag)


def wrong_links(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            yield "%s does not exist" % target
        elif anchor and anchor not in anchors(file):
            yield "%s has no heading %s" % (path or "the page", anchor)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    assert not list(wrong_links(page))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_verbs_and_flags_exist(page):
    assert not list(wrong_calls(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_of_the_repository_that_a_page_names_exist(page):
    named = {
        word
        for piece in code(page.read_text(encoding="utf-8"))
        for word in re.findall(r"(?<![\w./-])(?:docs|hip|pipeline|scripts|tests)/[\w./-]*\w", piece)
    }
    assert not [word for word in sorted(named - MADE_BY_THE_READER) if not (REPOSITORY / word).exists()]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_json_that_a_page_shows_is_json(page):
    for block in re.findall(r"^```json\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        json.loads(block if block.startswith(("{", "[")) else "{%s}" % block)


def test_generated_pages_are_up_to_date():
    spec = importlib.util.spec_from_file_location("build_docs", REPOSITORY / "scripts" / "build_docs.py")
    script = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(script)
    sys.path[:] = before
    for path, text in script.pages().items():
        assert path.read_text(encoding="utf-8") == text, "run scripts/build_docs.py"


def test_the_tests_above_would_notice(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One thing\n[a](missing.md) [b](#two) [c](#one-thing) [d](page.md) `[e](code.md)`\n")
    assert list(wrong_links(page)) == ["missing.md does not exist", "the page has no heading two"]
    calls = "$ topforge cook J --paralel 2   a comment --x\ntopforge train --iter 5 --iters 5"
    text = "`topforge bake X`\n```\n%s\n```\n" % calls
    assert list(wrong_calls(text)) == [
        "there is no verb in: topforge bake X",
        "topforge cook has no --paralel",
        "topforge train has no --iters",
    ]
