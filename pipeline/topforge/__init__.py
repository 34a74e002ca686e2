"""TopForge's host-agnostic core: config -> environment -> items -> run_item -> progress -> results -> report.

Standard library only, Python 3.8 to 3.13: this package is imported by Houdini's Python and by old trainer
environments alike, so it may add nothing to either.
"""

__version__ = "0.1.0"
