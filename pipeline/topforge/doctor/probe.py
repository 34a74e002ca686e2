"""Asks an environment's own Python, in one child process, what can be imported there."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

_CHILD = Path(__file__).with_name("probe_child.py")
"""Handed over as text: the environment need not have TopForge, nor find this folder's modules under short names."""


@dataclasses.dataclass(frozen=True)
class Module:
    """What came of importing one module in the environment."""

    name: str
    version: Optional[str] = None
    error: str = ""
    """As Python put it ("OSError: Unknown compute capability. ..."); empty when the import went well."""
    facts: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    """Question -> {"value": answer} or {"error": sentence}; see `probe_child.FACTS`."""
    file: Optional[str] = None
    """None for a folder without code in it, which Python imports as an empty package."""

    def fact(self, name: str) -> Any:
        """The answer to a question, None when it raised or was not asked."""
        return self.facts.get(name, {}).get("value")

    def fact_error(self, name: str) -> str:
        """What the question raised, "" when it was answered."""
        return str(self.facts.get(name, {}).get("error", ""))


class Probe:
    """The running child. It works while the other checks look at files; `result` waits for it.

    Args:
        python: The environment's interpreter.
        variables: Its whole environment.
        modules: What to import, in this order.
        timeout: Seconds for all of it; a first import from a slow disk can take many.
    """

    def __init__(self, python: str, variables: Mapping[str, str], modules: Sequence[str], timeout: float) -> None:
        self._modules = tuple(modules)
        self._timeout = timeout
        self._result: Optional[Dict[str, Module]] = None
        self._child = subprocess.Popen(
            [python, "-c", _CHILD.read_text(encoding="utf-8"), *modules],
            env=dict(variables),
            cwd=str(Path(python).parent),  # Python looks for modules in its working folder first
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def result(self) -> Dict[str, Module]:
        """Module name -> what came of importing it. A hang or a crash is the error of the module it happened in."""
        if self._result is None:
            self._result = self._collect()
        return self._result

    def _collect(self) -> Dict[str, Module]:
        ended = ""
        try:
            out, err = self._child.communicate(timeout=self._timeout)
        except subprocess.TimeoutExpired:
            self._child.kill()
            out, err = self._child.communicate()
            ended = "no answer after %g s" % self._timeout
        messages = _messages(out)
        found = {m["module"]: _module(m) for m in messages if "module" in m}
        if len(found) < len(self._modules):
            begun = [m["begin"] for m in messages if "begin" in m]
            ended = ended or _how_it_ended(self._child.returncode, err)
            for name in self._modules[len(found) :]:
                here = ended if not begun or name == begun[-1] else "not tried: importing %s ended Python" % begun[-1]
                found[name] = Module(name, error=here)
        return found


def _messages(out: bytes) -> List[Dict[str, Any]]:
    lines = out.decode("utf-8", "replace").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def _module(message: Mapping[str, Any]) -> Module:
    return Module(
        message["module"],
        message.get("version"),
        message.get("error", ""),
        message.get("facts", {}),
        message.get("file"),
    )


def _how_it_ended(code: int, err: bytes) -> str:
    if code < 0:
        return "Python was ended by %s" % signal.Signals(-code).name
    last = [line for line in err.decode("utf-8", "replace").splitlines() if line.strip()][-1:]
    return "Python ended with exit code %d: %s" % (code, "".join(last))
