"""Rasterise, interpolate, texture, antialias, hash-grid encode: one interface, several implementations."""
