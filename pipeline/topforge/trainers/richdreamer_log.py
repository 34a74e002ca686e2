"""RichDreamer's lines: which stage it is in and how far, and what its failures mean. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Optional, Tuple

from topforge.errors import FailureClass
from topforge.trainers import richdreamer_launch
from topforge.trainers.base import Report
from topforge.trainers.upstream.failures import Failure

_BAR = re.compile(r"^Epoch \d+:.*?(?:\|\s*(\d+)/(\d+|\?)|:\s*(\d+)it)\s*\[")
_TEST = re.compile(r"^(Testing|Predicting|Validation)\b.*?\|\s*(\d+)/(\d+)")
FAILURES: Tuple[Failure, ...] = (
    Failure(
        r"write_frames\(\) got an unexpected keyword argument '?audio_path",
        "imageio and imageio-ffmpeg do not fit together: the video of a stage cannot be written",
        "Run `pip install --upgrade imageio imageio-ffmpeg` in the environment.",
    ),
    Failure(
        r"We couldn't connect to 'https://huggingface\.co'|LocalEntryNotFoundError|OfflineModeIsEnabled",
        "A model is not in the Hugging Face cache, and nothing may be downloaded",
        "Complete the cache in pretrained_models/huggingface/hub of the checkout, or name another in hf_home.",
    ),
    Failure(
        r"(?:Repository Not Found|401 Client Error|404 Client Error).*",
        "A model is no longer on the Hub under the name that RichDreamer asks for",
        "Copy the cache of a machine that has it, and leave offline at true.",
    ),
    Failure(
        r"You set '--ntasks=\d+' in your SLURM bash script",
        "Lightning believes that it is one of several processes that Slurm started",
        "Remove SLURM_NTASKS and SLURM_JOB_NAME from the item's environment, or ask Slurm for one task.",
    ),
    Failure(
        r"parameters that were not used in producing the loss",
        "Lightning's distributed training needs another strategy than it was started with",
        "Lease one GPU for this item (needs.gpus 1): RichDreamer does not scale over several.",
    ),
    Failure(
        r"No such file or directory: '(?P<name>[^']*_tets\.npz)'",
        "The tetrahedral grid {name} is not in the checkout",
        "Copy 256_tets.npz from pretrained_models/Damo_XR_Lab/Normal-Depth-Diffusion-Model to load/tets.",
    ),
    Failure(
        r"(?:ConfigKeyError|ConfigAttributeError|Key '(?P<name>[\w.]+)' (?:is )?not in)",
        "A stage's module knows no option {name}",
        "Set that option of the stage to null; not every module has every option.",
    ),
    Failure(
        r"No module named '(?P<name>mkl_fft)'",
        "The environment has no {name}, which its NumPy was built with",
        "Run `conda install -c intel mkl_fft`, or install NumPy by pip.",
    ),
    Failure(
        r"No module named '(?P<name>extern|ldm|mvdream)[\w.]*'",
        "The checkout is not whole: its submodule extern/nd_sd is missing ({name})",
        "Run `git submodule update --init --recursive` in the checkout.",
    ),
    Failure(
        r"PytorchStreamReader failed|invalid header or archive is corrupted",
        "A file of weights, or the checkpoint of the stage before, is damaged",
        "Download the weights again; if they are whole, run the item with --force.",
    ),
    Failure(
        r"[Ll]oss.*(?:is|=|:) ?nan|encountered NaN",
        "The training diverged: its loss is not a number",
        "Choose another seed, or precision 32 for the stage.",
        FailureClass.TRAINER,
    ),
    Failure(
        r"^topforge-launch: (?P<name>.*)$",
        "{name}",
        "Read the end of the stage in the attempt's log; running the item again begins with this stage.",
        FailureClass.TRAINER,
    ),
)
"""RichDreamer's own failures, looked at before those that all trainers share."""


class Reader:
    """Reads one attempt's lines: which stage it is, how long that is, its losses."""

    def __init__(self) -> None:
        self._stage, self._total = "", 0

    def __call__(self, line: str) -> Optional[Report]:
        """What a line says; bars count only while a stage trains."""
        if line.startswith(richdreamer_launch.MARK):
            return self._ours(line[len(richdreamer_launch.MARK) :])
        bar = _BAR.match(line.strip())
        if bar and self._total:
            return Report(
                step=min(int(bar.group(1) or bar.group(3)), self._total), total=self._total, stage=self._stage
            )
        other = _TEST.match(line.strip())
        if other and self._stage:
            return Report(stage=self._stage, message="%s view %s of %s" % (other.group(1).lower(), *other.group(2, 3)))
        return None

    def _ours(self, text: str) -> Optional[Report]:
        try:
            found: Dict[str, Any] = json.loads(text)
        except ValueError:
            return None  # a torn line
        if "total" in found:
            self._stage, self._total = found["stage"], found["total"]
            return Report(stage=self._stage, message="loading")
        if "metrics" in found:
            return Report(step=found["step"], total=self._total or None, stage=self._stage, metrics=found["metrics"])
        return Report(stage=self._stage or None, message=found.get("warning"))
