"""One item, from a lease on a GPU to its result: `run_item` is the whole, `attempts` one try, `journal` its voice."""
