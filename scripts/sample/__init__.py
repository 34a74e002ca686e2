"""The sample capture: a painted ceramic ewer of our own design, its light, its cameras, and its photographs."""
