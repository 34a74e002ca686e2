"""Adapters: one module for each trainer or tool that a work item can run. `base.py` is the contract."""
