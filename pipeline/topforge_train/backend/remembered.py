"""What follows from a tensor alone, computed once for as long as the tensor lives unchanged."""

from __future__ import annotations

from typing import Callable, Generic, Tuple, TypeVar

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

Found = TypeVar("Found")


class Remembered(Generic[Found]):
    """A function of one tensor and hashable arguments; the last result is kept beside each tensor.

    A mesh keeps its triangles over all operators of a step, in pass 2 over thousands of steps: what is found of them
    need not be found again. Writing into the tensor in place counts as a change.
    """

    def __init__(self, function: Callable[..., Found]) -> None:
        self._function = function
        self._found: WeakTensorKeyDictionary = WeakTensorKeyDictionary()

    def __call__(self, tensor: Tensor, *arguments: object) -> Found:
        """The function's result for this tensor."""
        key: Tuple[object, ...] = (tensor._version, *arguments)
        kept = self._found.get(tensor)
        if kept is None or kept[0] != key:
            kept = (key, self._function(tensor, *arguments))
            self._found[tensor] = kept
        return kept[1]
