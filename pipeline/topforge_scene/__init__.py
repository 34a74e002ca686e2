"""Houdini's files without Houdini: networks, scenes, digital assets and shelves, read and written as the text they are.

Pure: nothing here imports `hou`, starts anything, or evaluates what a file says. Standard library only, because it
runs wherever `topforge adopt` and the build scripts run.
"""
