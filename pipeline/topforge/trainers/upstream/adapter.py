"""What adapters of all upstream trainers share: their checkout, their failures, how settings are lowered by rungs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Collection, Dict, Optional, Sequence, Tuple, TypeVar

from topforge import schema
from topforge.trainers.base import Adapter, Diagnosis
from topforge.trainers.upstream import checkout, failures, normalising
from topforge.trainers.upstream.checkout import Upstream
from topforge.trainers.upstream.failures import Failure

Options = TypeVar("Options")


class CheckoutAdapter(Adapter):
    """Of a trainer that runs from a person's clone, which the option `checkout` names."""

    upstream: Upstream
    watching: Collection[str] = ()
    """Options that only decide where it runs and how one watches."""
    own_failures: Sequence[Failure] = ()
    """What its last lines mean, looked at before what those of all trainers do."""

    def places(self, config: Any) -> Tuple[Path, ...]:
        """The checkout: paths of upstream's config files, and of the presets, start there."""
        folder = checkout.located(self.upstream, config.checkout)
        return () if folder is None else (folder,)

    def deciding(self, config: Any) -> Dict[str, Any]:
        """All but `watching`; the checkout counts by its commit, not by where it lies."""
        clone = checkout.located(self.upstream, config.checkout)
        kept = {key: value for key, value in schema.to_json(config).items() if key not in self.watching}
        return {**kept, "commit": "" if clone is None else checkout.commit_of(clone)}

    def diagnose(self, exit_code: int, tail: Sequence[str]) -> Optional[Diagnosis]:
        """Our own step's words, then upstream's known failures, then what all trainers share."""
        return normalising.diagnose(tail) or failures.diagnose(tail, self.own_failures)

    def diagnose_silence(self, tail: Sequence[str]) -> Optional[Diagnosis]:
        """A build of an extension that waits for a lock."""
        return failures.of_silence(tail)


def lowered(config: Options, rungs: Sequence[Tuple[str, Any]]) -> Optional[Tuple[Options, str]]:
    """The configuration with the first of the rungs that is left, and what was lowered; None at the ladder's foot.

    Args:
        config: What did not fit into memory.
        rungs: In order, an option and what it could be lowered to; None = it is as low as it should be.
    """
    for key, value in rungs:
        if value is not None:
            sentence = "%s lowered from %s to %s to fit into memory" % (key, getattr(config, key), value)
            return dataclasses.replace(config, **{key: value}), sentence  # type: ignore[type-var]
    return None
