"""The HQueue scheduler: jobs on a farm, over XML-RPC, from its documentation (pdg.md 5)."""
