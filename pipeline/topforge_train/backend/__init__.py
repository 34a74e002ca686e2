"""Rasterise, interpolate, texture, antialias, hash-grid encode: one interface, several implementations."""

from topforge_train.backend.interface import Backend, Fragments, HashGridSpec
from topforge_train.backend.select import load

__all__ = ["Backend", "Fragments", "HashGridSpec", "load"]
