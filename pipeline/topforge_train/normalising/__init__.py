"""What makes TopForge's result of what an upstream trainer wrote: `python -m topforge_train.normalising.TRAINER`.

Started by `topforge.trainers.upstream.normalising` in TopForge's own environment, after the trainer. `nvdiffrec` serves
nvdiffmodeling as well, `neuralangelo` a surface without textures (`surface_files`, without torch), `richdreamer` a mesh
with JPEG maps. `frame` bakes their normal maps into the frame that other programs have.
"""
