"""How a pass is trained, whatever it trains.

`loop` runs a pass from its first iteration, or a `checkpoint`, to its last. `step` is one iteration: what the host drew
for it (`draw`), its losses and gradients, what it found out (`report`), and whether `optimiser` applies it. On a GPU
both halves of it are launched by `cuda_graph`, with `room` for lists of any length; `distributed` is how several GPUs
agree. `schedule` and `timeline` say how step sizes and weights change and when a pass is over.

What goes wrong: `guard` deals with values that are no numbers, `memory` warns and `step` splits the views when memory
is short, `failures` are the sentences that end a run. `session` is what all of a run shares, `progress` what it
prints, `loss` the formulas of the losses (kernels while training: `backend.warp_image_loss`).
"""
