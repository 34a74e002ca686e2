#!/usr/bin/env python3
"""From a fresh machine to a reconstructed asset: installs what it needs, cooks the sample, names the results.

python3 scripts/quickstart.py            # run again: says at once that the result is there
python3 scripts/quickstart.py --force    # train anew
"""

import argparse
import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "pipeline"))

from topforge.environments import private_environment  # noqa: E402
from topforge.errors import TopForgeError  # noqa: E402


def main() -> None:
    """Makes the environment, then becomes `topforge cook` in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.usage = "quickstart.py [flags of topforge cook]"
    flags = parser.parse_known_args()[1]
    try:
        python = private_environment.ensure(REPOSITORY, ["train"])
    except TopForgeError as error:
        print("%s\n%s" % (error.reason, error.fix), file=sys.stderr)
        sys.exit(error.exit_code)
    os.environ["PYTHONPATH"] = str(REPOSITORY / "pipeline")
    command = [str(python), "-m", "topforge", "cook", str(REPOSITORY / "hip" / "quickstart.json"), *flags]
    os.execv(str(python), command)


if __name__ == "__main__":
    main()
