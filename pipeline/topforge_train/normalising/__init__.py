"""What makes TopForge's result of what an upstream trainer wrote: `python -m topforge_train.normalising.TRAINER`.

Started by `topforge.trainers.upstream.normalising` in TopForge's own environment, after the trainer. `nvdiffrec` serves
nvdiffmodeling as well. It and `richdreamer` read a mesh with pictures (`maps`), whose normals `frame` bakes into the
frame that other programs have, and end in `delivery`. `neuralangelo` has a surface without textures (`surface_files`)
and needs no torch.
"""
