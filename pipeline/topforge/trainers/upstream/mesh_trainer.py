"""What the adapters of nvdiffrec and nvdiffmodeling share: both are one program, started on a config file of ours.

It reads its data relative to where it starts and writes below `out/` there. So it starts in the item's own working
folder, which has a link to the clone's data.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from topforge.items import Item
from topforge.paths import RunPaths
from topforge.trainers.base import Step
from topforge.trainers.upstream import checkout, generated, normalising, start, variables, warm_up
from topforge.trainers.upstream.adapter import CheckoutAdapter
from topforge.trainers.upstream.checkout import Checkout

OUT = "result"
"""Upstream's folder below `out/`, in the item's own working folder."""
_TRAINED = r"^iter=\s*\d"
"""The line of a first iteration."""


class MeshTrainerAdapter(CheckoutAdapter):
    """A subclass says what its config file holds and what its lines mean."""

    def builds(self, config: Any) -> str:
        """Each commit's own: it compiles kernels of its own sources."""
        return checkout.builds(self.upstream, config.checkout)

    def training(
        self, item: Item, config: Any, paths: RunPaths, values: Mapping[str, Any], more: Sequence[str] = ()
    ) -> Sequence[Step]:
        """Stale locks are swept, upstream trains, and its files become the result folder.

        Args:
            item: The work.
            config: Its options.
            paths: Its places.
            values: All of upstream's config file.
            more: Arguments of the last step beyond those of both trainers.
        """
        clone = checkout.require(self.upstream, config.checkout)
        _prepare(clone, paths, values)
        needs = variables.of(item, self.builds(config))
        train = Step("train", _command(clone, paths, item.needs.gpus), variables=needs)
        arguments = ["--trainer", self.name, "--run", str(paths.run), "--tree", str(paths.work / "out" / OUT)]
        arguments += ["--normal-bits", str(config.normal_bits), *([] if config.unmirror else ["--keep-mirrored"])]
        return [warm_up.step(self.name, needs), train, normalising.step([*arguments, *more])]

    def warm_up(self, item: Item, folder: Optional[str], paths: RunPaths) -> Step:
        """The step of a warm-up item: upstream's smallest example, until it has trained one iteration."""
        clone = checkout.require(self.upstream, folder)
        _prepare(clone, paths, self.smallest(clone, paths))
        stamp = clone.commit or str(clone.path)
        needs = variables.of(item, checkout.builds(self.upstream, folder))
        return warm_up.step(self.name, needs, _command(clone, paths, 1), _TRAINED, stamp, 1.0)

    def smallest(self, clone: Checkout, paths: RunPaths) -> Dict[str, Any]:
        """The config file of that example."""
        raise NotImplementedError


def _prepare(clone: Checkout, paths: RunPaths, values: Mapping[str, Any]) -> None:
    """What upstream finds where it starts."""
    generated.write_config(paths.config, values)
    generated.link(paths.work, "data", clone.path / "data")


def _command(clone: Checkout, paths: RunPaths, gpus: int) -> Tuple[str, ...]:
    """Upstream's own entry, with the generated config and nothing else: JSON wins over every flag."""
    several = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(gpus)) if gpus > 1 else ()
    return ("{python}", "-u", *several, *start.arguments(clone.path / "train.py"), "--config", str(paths.config))
