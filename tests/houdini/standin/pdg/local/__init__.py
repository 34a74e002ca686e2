"""The local scheduler: children of this process, with all the traps of the real one (reference pdg.md 2.8 to 2.13, 8)."""
