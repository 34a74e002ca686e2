"""The local scheduler: children of this process, with the traps of the real one (pdg.md 2.8 to 2.13, 8)."""
