"""Replicas, made from nothing, of the two networks on the Kartaverse page: structure and values as documented."""

from __future__ import annotations

from topforge_scene.network import Connection, Node, Parm, StickyNote, Token
from topforge_scene.scene import VERSION, Scene

ON, OFF = Token("on"), Token("off")
NVDIFFREC = (
    ("MINICONDA_ENV", "$HOME/miniconda3/envs/nvdiffrec/"),
    ("WORKING_DIR", "$HOME/nvdiffrec/"),
    ("SCRIPT_NAME", "train.py"),
    ("CONFIG_NAME", "configs/bob.json"),
)
NVDIFFREC_COMMAND = (
    '"`@MINICONDA_ENV`bin/python3" "`@WORKING_DIR``@SCRIPT_NAME`" --config "`@WORKING_DIR``@CONFIG_NAME`"'
)
NVDIFFREC_VARIABLES = (
    ("CUDA_HOME", "`@MINICONDA_ENV`", "0"),
    ("PYTHONHOME", "`@MINICONDA_ENV`", "0"),
    ("PYTHONPATH", "`@MINICONDA_ENV`/lib/python3.11/site-packages", "4"),
)
GRUT = (
    ("MINICONDA_ENV", "$HOME/miniconda3/envs/Kartaverse/"),
    ("WORKING_DIR", "$HOME/3dgrut/"),
    ("SCRIPT_NAME", "train.py"),
    ("CONFIG_NAME", "apps/colmap_3dgut.yaml"),
    ("SOURCE_DIR", "$HIP/images/0001"),
    ("OUTPUT_DIR", "$HIP/geo"),
    ("EXPERIMENT_NAME", "0001"),
    ("PROXY_RESOLUTION", "dataset.downsample_factor=2"),
)
GRUT_COMMAND = (
    '"`@MINICONDA_ENV`/bin/python3" "`@WORKING_DIR`/`@SCRIPT_NAME`" --config-name "`@CONFIG_NAME`" '
    'path="`@SOURCE_DIR`" out_dir="`@OUTPUT_DIR`" experiment_name="`@EXPERIMENT_NAME`" `@PROXY_RESOLUTION`'
)
GRUT_VARIABLES = NVDIFFREC_VARIABLES[1:]


def parms(**values):
    """Parameters of one component each."""
    return tuple(Parm(name, (value,)) for name, value in values.items())


def shell_tokens(attributes, name="shell_tokens", **more):
    """An Attribute Create with string attributes."""
    found = {"stringattribs": len(attributes)}
    for index, (attribute, value) in enumerate(attributes, 1):
        found.update({"stringenable%d" % index: ON, "stringname%d" % index: attribute})
        found.update({"stringconflict%d" % index: Token("0"), "stringscope%d" % index: Token("0")})
        found["stringvalue%d" % index] = value
    return Node(name, "attributecreate", parms(**{**found, **more}), version="2", position=(-0.25, 2.84))


def environment_edit(variables, source="shell_tokens"):
    """An Environment Edit with text variables."""
    found = {"reset": OFF, "environment": len(variables)}
    for index, (variable, value, conflict) in enumerate(variables, 1):
        found.update({"varenable%d" % index: ON, "varname%d" % index: variable, "vartype%d" % index: Token("2")})
        found.update({"varconflict%d" % index: Token(conflict), "strvarvalue%d" % index: value})
    return Node("environmentedit", "environmentedit", parms(**found), (Connection(source),), position=(-0.25, 0.7))


def generator(command, source="environmentedit", name="train_genericgenerator1", **more):
    """A Generic Generator with a custom command."""
    found = {"sequential": ON, "usedelay": OFF, "pdg_command": command, "shellcommand": OFF, **more}
    return Node(name, "genericgenerator", parms(**found), (Connection(source),), version="1", position=(-0.25, -1.3))


def network(nodes, last="train_genericgenerator1", **more):
    """/tasks/topnet1 with a scheduler, these nodes, and a Wait for All."""
    scheduler = Node(
        "localscheduler", "localscheduler", parms(pdg_workingdir="$HIP"), outputs=(), version="1", render=True
    )
    wait = Node(
        "waitforall1", "waitforall", inputs=(Connection(last),), version="1", display=True, position=(-0.25, -3.5)
    )
    return Node(
        "topnet1",
        "topnet",
        parms(topscheduler="localscheduler", defaultlabel="$OS.`@pdg_index`"),
        outputs=(),
        children=(scheduler, wait, *nodes),
        notes=(StickyNote("__stickynote1", 'Launch from the "conda" shell.\n', (-13.9, -4.1), (11.5, 7.9)),),
        version=VERSION,
        is_network=True,
        **more,
    )


def scene(nodes, **more):
    """A scene with one such network."""
    return Scene({"tasks": (network(nodes, **more),)})


def nvdiffrec(attributes=NVDIFFREC, command=NVDIFFREC_COMMAND, variables=NVDIFFREC_VARIABLES, above=(), **more):
    """The nvdiffrec scene; `above` stands in front of the tokens."""
    tokens = shell_tokens(attributes)
    if above:
        tokens = Node(tokens.name, tokens.type, tokens.parms, (Connection(above[-1].name),), version="2")
    return scene((*above, tokens, environment_edit(variables), generator(command, **more)))


def grut():
    """The 3DGRUT scene."""
    return nvdiffrec(GRUT, GRUT_COMMAND, GRUT_VARIABLES)


def wedge(name, settings, source=None, count=2, **more):
    """A Wedge; settings without their instance number are of its first attribute."""
    found = {"wedgecount": count, "wedgeattributes": 1}
    found.update({key if key[-1].isdigit() else key + "1": value for key, value in settings.items()})
    inputs = (Connection(source),) if source else ()
    made = parms(**{**found, **more})
    return Node(name, "wedge", made, inputs)
