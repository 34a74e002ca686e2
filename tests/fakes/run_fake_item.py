"""`topforge run-item` for items of the fake adapter, with short pauses between attempts."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "pipeline"))

from topforge.running import retry, run_item
from topforge.trainers import registry

registry.MODULES["fake"] = "fake_adapter"

if __name__ == "__main__":
    flags = set(sys.argv[2:])
    sys.exit(
        run_item.run(
            Path(sys.argv[1]),
            wait="--no-wait" not in flags,
            verify="--verify" in flags,
            force="--force" in flags,
            policy=retry.Policy(first_pause_seconds=0.05),
            output=sys.stdout,
        )
    )
