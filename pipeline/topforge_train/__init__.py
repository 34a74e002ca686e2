"""TopForge's own trainer: shape, physically based material and light from images. The only place that imports torch."""
