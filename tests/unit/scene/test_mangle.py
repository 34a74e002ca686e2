"""File names of expanded assets. The examples are names as Houdini writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topforge_scene import mangle
from topforge_scene.errors import SceneError

NAMES = (
    ("acme::Top/lens_sorter::1.0", "acme_8_8Top_1lens__sorter_8_81.0"),
    ("INDEX_SECTION", "INDEX__SECTION"),
    ("ViewerStateName.orig", "ViewerStateName.orig"),
    ("Top/acmetrainjob", "Top_1acmetrainjob"),
)


@pytest.mark.parametrize(("name", "file_name"), NAMES)
def test_known_names(name: str, file_name: str) -> None:
    assert mangle.mangled(name) == file_name
    assert mangle.unmangled(file_name) == name


@given(st.text("abcXYZ019_/:.", min_size=1))
def test_every_name_comes_back(name: str) -> None:
    assert mangle.unmangled(mangle.mangled(name)) == name


@pytest.mark.parametrize("file_name", ["lens_sorter", "a_", "a_3b", "a:b", "a/b", ""])
def test_what_houdini_never_writes_is_refused(file_name: str) -> None:
    with pytest.raises(SceneError):
        mangle.unmangled(file_name)


@pytest.mark.parametrize("name", ["", "a b", "a?b", "ä"])
def test_names_without_a_file_name_are_refused(name: str) -> None:
    with pytest.raises(SceneError):
        mangle.mangled(name)


@pytest.mark.parametrize(
    ("name", "table", "path"),
    [
        ("acme::lens_sorter::1.0", "Top", "acme::Top/lens_sorter::1.0"),
        ("acmetrainjob", "Top", "Top/acmetrainjob"),
        ("acme::lab::lens::2.5.1", "Sop", "acme::lab::Sop/lens::2.5.1"),
        ("lens::2", "Sop", "Sop/lens::2"),
    ],
)
def test_operator_paths(name: str, table: str, path: str) -> None:
    assert mangle.operator_path(name, table) == path
