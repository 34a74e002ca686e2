"""PDG's exceptions."""

from __future__ import annotations


class CookError(Exception):
    """An error while the graph runs."""
