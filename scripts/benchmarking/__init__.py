"""Parts of scripts/benchmark_gpu.py: timed processes, upstream as a black box, our trainer, tables and curves."""
