"""One iteration of pass 1 with enough memory and with too little; run by test_long_runs_cuda in a process of its own.

What other tests of a process still hold, and what is left between it in torch's blocks, would count against the limit.
Arguments: config, dataset, folder. Prints a line of JSON: parts, what was said, how far the gradients are apart.
"""

import contextlib
import dataclasses
import gc
import json
import sys

import torch

from topforge_train.__main__ import open_session, parse
from topforge_train.training import cuda_graph
from topforge_train.training.step import Step
from topforge_train.volume_pass import VolumePass


@contextlib.contextmanager
def memory_limit(size):
    """No more than `size` bytes for torch."""
    torch.cuda.set_per_process_memory_fraction(size / torch.cuda.get_device_properties(0).total_memory)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def gradients(training_pass, said):
    """Of iteration 3, after a few that come to nothing, and into how many parts it was split. Nothing else is left."""
    session = training_pass.session
    captures = cuda_graph.is_used("on", session.backend)
    iterations = Step(training_pass, session.device, captures, lowered=said.append)
    drawn = training_pass.draw(3, 0.9)
    still = dataclasses.replace(drawn, numbers={**drawn.numbers, "rate": torch.tensor(0.0)})
    for step in range(5):
        iterations.run(step, still)
        iterations.settle(step + 1, wait=True)
    found = [parameter.grad.cpu().reshape(-1) for parameter in training_pass.parameters() if parameter.grad is not None]
    parts = iterations.parts
    for parameter in training_pass.parameters():
        parameter.grad = None
    del iterations
    gc.collect()
    torch.cuda.empty_cache()
    return torch.cat(found), parts


def main(config, dataset, folder):
    """Prints what was found."""
    names = {"config": config, "dataset": dataset, "output": folder, "checkpoints": folder, "previews": folder}
    session = open_session(parse([word for key, value in names.items() for word in ("--" + key, value)]))
    training_pass, said = VolumePass(session), []
    gradients(training_pass, said)  # tables and kernels that stay
    torch.cuda.reset_peak_memory_stats()
    held = torch.cuda.memory_reserved()  # in torch's blocks, full or not: what the limit counts
    whole, once = gradients(training_pass, said)
    needed = torch.cuda.max_memory_reserved() - held
    assert (once, said) == (1, [])
    with memory_limit(held + int(0.7 * needed) + (40 << 20)):
        found, parts = gradients(training_pass, said)
    apart = float((found - whole).norm() / whole.norm())
    print(json.dumps({"parts": parts, "said": said, "apart": apart, "held": held, "needed": needed}))


if __name__ == "__main__":
    main(*sys.argv[1:])
