"""Pinned environments for the trainers, and the plan that makes one of them.

For each trainer NAME: `NAME.yml`, what conda brings (Python, CUDA toolkit, compilers); `NAME.wheels.txt`, what pip
brings ready-made; `NAME.build.txt`, what is compiled against both. Every pin has its reason beside it. `recipes` says
which trainer has what, `managers` knows conda, mamba and micromamba, `plan` makes the steps, prints and runs them.
"""
