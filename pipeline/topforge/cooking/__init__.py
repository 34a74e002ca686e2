"""A job's items on this machine: `cook` runs them in order, `workers` are their processes, `display` shows them."""
