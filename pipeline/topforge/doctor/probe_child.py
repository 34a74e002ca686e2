"""Runs in the environment's own Python: imports modules one by one and tells what really happens.

Speaks one JSON object a line on the original standard output; whatever the modules print goes to standard error.
`{"begin": NAME}` comes before each import, so that the parent knows which one hung or took the process down.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any, Callable, Dict, List


def main(names: List[str]) -> None:
    """Imports each of `names` and reports version, facts, or the error it raised."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        for name in names:
            _say(out, {"begin": name})
            _say(out, {"module": name, **_import(name)})


def _say(out: Any, message: Dict[str, Any]) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


def _import(name: str) -> Dict[str, Any]:
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:  # a module may raise anything when it is imported; that is the finding
        return {"error": _sentence(error)}
    version = getattr(module, "__version__", None)
    facts = {key: _fact(ask, module) for key, ask in FACTS.get(name, {}).items()}
    return {"version": version and str(version), "file": getattr(module, "__file__", None), "facts": facts}


def _fact(ask: Callable[[Any], Any], module: Any) -> Dict[str, Any]:
    try:
        return {"value": ask(module)}
    except (Exception, SystemExit) as error:
        return {"error": _sentence(error)}


def _sentence(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return "%s: %s" % (type(error).__name__, lines[0] if lines else "")


def _initialise_cuda(torch: Any) -> bool:
    if torch.version.cuda is not None:
        torch.cuda.init()
    return bool(torch.cuda.is_available())


FACTS: Dict[str, Dict[str, Callable[[Any], Any]]] = {
    "torch": {
        "numpy": lambda torch: len(torch.zeros(1).numpy()),
        "built_for": lambda torch: torch.version.cuda,
        "cuda": _initialise_cuda,
        "architectures": lambda torch: list(torch.cuda.get_arch_list()),
    },
    "warp": {"cpu": lambda warp: bool(warp.is_cpu_available())},
}
"""Questions to a module once it is imported; each answer, or error, is reported by itself."""


if __name__ == "__main__":
    main(sys.argv[1:])
