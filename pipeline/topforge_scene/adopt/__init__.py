"""From a scene made the Kartaverse way to a TopForge job and scene, without running anything of it.

    attribute create -> [wedge] -> environment edit -> generic generator -> wait for all

`graph` finds those nodes, `attributes`, `environment` and `wedges` read them, `command_line` takes the command apart;
together they are a `recipe`. `job` and `network` write it anew, `account` tells a person what became what.
"""
