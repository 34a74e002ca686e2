"""A textured mesh in place of photographs, and a mesh to begin with: nvdiffrec's `ref_mesh` and `base_mesh`.

`topforge_capture.obj_reader` and `topforge.wavefront` read the files, `painting` turns materials into textures,
`painted_mesh` draws them, `views` chooses cameras, `pool` draws the pictures that take the photographs' place.
"""
