"""Captures: read, check and preview datasets. Needs numpy and imageio, never torch."""
