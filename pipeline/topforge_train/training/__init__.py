"""How a pass is trained, whatever it trains.

`loop` runs a pass from its first iteration, or a `checkpoint`, to its last; `step` is one iteration: what the host
drew for it (`draw`), its losses and gradients, and whether `optimiser` applies them. `cuda_graph` is how both halves of
it are launched on a GPU, `distributed` how several GPUs agree. `schedule` and `timeline` say how step sizes and weights
change and when a pass is over. What goes wrong: `guard` deals with values that are no numbers, `memory` warns and
`step` splits when memory is short, `failures` says what an exception means. `session` is what all of a run shares,
`progress` what it prints, `loss` the formulas of the losses (kernels while training: `backend.warp_image_loss`).
"""
