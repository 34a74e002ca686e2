"""The doctor: named checks of a machine and an environment, each with its fix.

`model` says what a check is, `checks_*` hold them, `subject` is what they look at, `probe` asks the environment's own
Python, `text` shows what was found. A check is one decorated function; adding one is adding that function.
"""
