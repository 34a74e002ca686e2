"""What adapters of unmodified upstream trainers share: the user's checkout, generated files, failures, success.

adapter        the base of their adapters: what of the checkout decides, failures, how settings are lowered
mesh_trainer   the base of nvdiffrec's and nvdiffmodeling's; `mesh_lines`: what both print
checkout       the clone a person made, its commit, and what every clone of it holds
examples       the config files that come with a checkout, to compare presets with
generated      the config file a run gets, and the link through which it finds the checkout's data
start          how a program of theirs is started, so that it finds the extension it builds
variables      environment variables of its steps
failures       what trainers' last lines mean, with fixes: one table for all, and each trainer's own before it
soundness      fresh, complete, readable: what has to be true of files before a run counts as done
pictures       previews as they appear in a trainer's own folder
normalising    the step that makes a result folder from a trainer's own files, in TopForge's own environment
results_tree   that folder: what is in it, and whether it is complete
warm_up        compiled extensions: built once for a machine, under a lock of ours, stale locks swept before
kept_pass      what nvdiffrec's first pass found, kept for a later attempt
mesh_rules     the OBJ and MTL files that two of them can read; `option_checks`: values that they would fail on later
"""
