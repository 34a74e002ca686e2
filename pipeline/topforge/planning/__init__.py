"""From a config and a dataset to work items.

`jobs` reads job files and `expansion` makes items of them: what `preparations` says, then each config (`config_files`,
with the values of `wedges`). `planned_items` makes one item, with all that decides its key.
"""
