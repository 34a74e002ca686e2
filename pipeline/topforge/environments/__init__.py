"""Environments: what one is, what a trainer's process gets of it, and pinned ones for the trainers.

`prefixes` reads what a venv or conda prefix is, `prefix_discovery` finds them; `environment` is the edit that a child
gets, `environment_rules` its rules, `environment_faces` its forms. `private_environment` is TopForge's own.

For each trainer NAME: `NAME.yml`, what conda brings (Python, CUDA toolkit, compilers); `NAME.wheels.txt`, what pip
brings ready-made; `NAME.build.txt`, what is compiled against both. Every pin has its reason beside it. `recipes` says
which trainer has what, `managers` knows conda, mamba and micromamba, `plan` makes the steps, prints and runs them.
"""
