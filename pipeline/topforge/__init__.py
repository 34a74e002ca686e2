"""TopForge's host-agnostic core: config -> environment -> items -> run_item -> progress -> results -> report.

Standard library only, Python 3.8 to 3.13: this package is imported by Houdini's Python and by old trainer
environments alike, so it may add nothing to either.

- `planning`: from a config and a dataset to work items
- `environments`: what an environment is, what a trainer's process gets of it, how one is made; `doctor` judges it
- `running`: one item, from a lease on a GPU to its result
- `cooking`: all items of a job on this machine
- `trainers`: the adapters; `schema`: options, and every face made of them
- `report`: the page about a run; `verbs`: what the command line can do

What they share stands beside them: `items`, `states` and `results` are the files that processes pass, `paths` knows
where these lie, `errors` which failures there are.
"""

__version__ = "0.1.0"
