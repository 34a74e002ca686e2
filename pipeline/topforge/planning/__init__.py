"""From a config and a dataset to work items: `jobs` reads job files and expands them, with all that decides a key."""
