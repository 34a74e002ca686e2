"""From shape, material and light to images, and what each of them is.

`render` draws: camera, rasteriser, lookup of the `material` (a field in pass 1, textures in pass 2), shading, soft
silhouettes; `layers` lays transparent surfaces over each other. `shading` and `brdf` have the formulas of split-sum
shading, which training calls as kernels (`backend.warp_shading`), `tangents` what a normal map is relative to.
`light` is the environment, a `cubemap` that `prefilter` blurs for split-sum lookups. `baking` turns the field into
textures. `scene` is for looking at: without gradients, in display values; `colour` has
the transfer functions.
"""
