"""What the sticky notes in the sample scenes and the shelf's networks say."""

from __future__ import annotations

from topforge_scene.network import StickyNote

_YELLOW = (1.0, 0.969, 0.522)


def _note(name: str, position: tuple[float, float], size: tuple[float, float], *lines: str) -> StickyNote:
    return StickyNote(name, "\n".join(lines), position, size, _YELLOW)


_ENVIRONMENT = (
    "Before the first cook, make the trainer's environment once, in a terminal:",
    "    python3 scripts/make_env.py",
)
_RESULT = (
    "Results lie in topforge/ beside this scene, one folder for each work item.",
    "/obj/topforge_result shows the newest one: press Reload there after the cook.",
)

QUICKSTART = (
    _note(
        "start_here",
        (-10.5, 0.5),
        (8.5, 5.5),
        "Photographs to a textured mesh, in a few minutes and without a GPU",
        "",
        *_ENVIRONMENT,
        "",
        "Then cook report.",
        "check looks at the photographs and cameras; train starts only if they are fine;",
        "report writes one page about the result (Open Report).",
        "",
        *_RESULT,
        "",
        "Your own photographs: set Capture on check, choose a preset on train.",
    ),
    _note(
        "stopping",
        (2.5, -2.0),
        (6.5, 2.0),
        "Stopping is safe: a cancelled item goes on where it was.",
        "Cooking again what is done takes no time: results are found by what decides them.",
    ),
)
WEDGE = (
    _note(
        "start_here",
        (-10.5, 0.5),
        (8.5, 6.5),
        "Which learning rate, which grid? Six trainings, one page",
        "",
        *_ENVIRONMENT,
        "",
        "Each Wedge node varies one attribute. It has the name of an option of train, so it overrides that option",
        "in every item below. Two nodes in a row give every combination.",
        "",
        "Cook report: the page compares settings, curves and pictures of all six.",
        "",
        *_RESULT,
    ),
)
FARM = (
    _note(
        "start_here",
        (-10.5, -0.5),
        (8.5, 7.5),
        "The quickstart on a farm of HQueue's",
        "",
        "1. This scene, the checkout of TopForge and its environment must lie on the shared drive. Make the",
        "   environment there:   TOPFORGE_ENV=/shared/topforge_env python3 scripts/make_env.py",
        "   and set that folder as Environment Path on train.",
        "2. On hqueue, set the server's address, and Houdini's folder on the farm. $HQROOT has a backslash in front:",
        "   only the farm's machines know it.",
        "3. Cook report: check and report run here, train runs on the farm, and this session stays open.",
        "   Or press Submit Graph As Job on hqueue: the whole network cooks there and nothing shows here. Follow it on",
        "   HQueue's page, or by state.json and report.html in the run folders.",
    ),
    _note(
        "gpus",
        (3.5, -2.0),
        (8.0, 4.0),
        "One training at a time on each machine: that is the tag single:gpu on hqueue. CPUs per Job is set, as jobs",
        "without it get a machine to themselves.",
        "Machines with several GPUs: give them a resource gpu in HQueue, with their number; then on hqueue, Job Parms,",
        "clear the tag and add the resource gpu, quantity 1. Each item leases a free GPU on the machine by itself.",
        "",
        "No farm at hand? Clear TOP Scheduler Override on train, and set its GPUs to what this machine has.",
    ),
)
VIDEO = (
    _note(
        "start_here",
        (-10.5, 0.5),
        (8.5, 9.0),
        "From a video, or a folder of photographs, to a surface",
        "",
        "Before the first cook, once, in a terminal:",
        "    python3 scripts/make_env.py train poses",
        "    git clone https://github.com/NVlabs/neuralangelo",
        "    topforge env create neuralangelo --checkout neuralangelo",
        "",
        "1. On frames, set Video or Photographs to yours.",
        "2. On train, set Checkout (tab Hyperparameters, Upstream) to the clone, and Environment Path (Environment).",
        "3. Cook poses and look at frames' preview: were the right pictures taken, were their cameras found?",
        "4. Cook report.",
        "",
        "Only frames is told a path: each node hands its result on. What is done is not done again.",
        "",
        *_RESULT,
    ),
    _note(
        "masks",
        (2.5, 2.5),
        (7.5, 5.0),
        "Masks at hand, and a material wanted? TopForge's own trainer or nvdiffrec:",
        "",
        "On frames, choose a folder with images/ and masks/.",
        "On convert: Format nerf-synthetic, Hold Out 8, Find Box on, Fit into Side 2.1.",
        "On train: Trainer TopForge, a preset, Environment Path empty.",
        "A TopForge Check Dataset between convert and train looks at it before a GPU does.",
    ),
)
IMPORT = _note(
    "about",
    (-7.0, -1.0),
    (6.0, 2.0),
    "The newest result of the train node: polygons with uv, N and the material's path.",
    "Cook the TOP network first, then press Reload.",
)
_KARTAVERSE_WORDS = (
    "The nodes and values of Kartaverse's nvdiffrec scene, without TopForge",
    "",
    "shell_tokens has the paths: end folders with a slash. environmentedit gives them to the job.",
    "Set the Python version in PYTHONPATH to that of your environment.",
    "",
    "The same with progress, checks, resuming and import of the result: topforge::train.",
    "topforge::environment can fill environmentedit for any conda environment.",
)
KARTAVERSE = (_note("start_here", (-10.5, -1.0), (8.5, 4.0), *_KARTAVERSE_WORDS),)
KARTAVERSE_CHECKED = (
    _note(
        "start_here",
        (-10.5, -1.0),
        (8.5, 5.0),
        *_KARTAVERSE_WORDS,
        "",
        "check looks at a capture first: set its folder there. Nothing below starts when it cannot work.",
    ),
)
