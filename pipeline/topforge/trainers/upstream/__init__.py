"""What adapters of unmodified upstream trainers share: the user's checkout, generated files, failures, success.

checkout      the clone a person made, its commit, and what every clone of it holds
adapter       the base of their adapters; `mesh_trainer` for the two that are one program with a JSON config
examples      the config files that come with a checkout, to compare presets with
generated     the config file a run gets, and the link through which it finds the checkout's data
failures      what trainers' last lines mean, with fixes: one table for all, and each trainer's own before it
soundness     fresh, complete, readable: what has to be true of files before a run counts as done
pictures      previews as they appear in a trainer's own folder
normalising   the step that makes a result folder from a trainer's own files, in TopForge's own environment
warm_up       compiled extensions: built once for a machine, under a lock of ours, stale locks swept before
"""
