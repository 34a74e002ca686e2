"""The material of asset.usda: one set of textures, a UsdPreviewSurface and a MaterialX standard_surface on them."""

# MaterialX node names are those of 1.38, which Houdini 20.5 loads. 1.39 renamed one of them, ND_normalmap, to
# ND_normalmap_float; OpenUSD's hdMtlx built with 1.39 maps the old name to the new one, not the other way round, and
# reads config:mtlx:version to know that the network is older. So the old name is the one that loads in both.
MATERIAL = """    def Material "material" (
        prepend apiSchemas = ["MaterialXConfigAPI"]
    )
    {
        string config:mtlx:version = "1.38"
        token outputs:surface.connect = </asset/material/preview.outputs:surface>
        token outputs:mtlx:surface.connect = </asset/material/standard.outputs:out>

        def Shader "preview"
        {
            uniform token info:id = "UsdPreviewSurface"
            color3f inputs:diffuseColor.connect = </asset/material/base_color.outputs:rgb>
            float inputs:roughness.connect = </asset/material/orm.outputs:g>
            float inputs:metallic.connect = </asset/material/orm.outputs:b>
            float inputs:occlusion.connect = </asset/material/orm.outputs:r>
            normal3f inputs:normal.connect = </asset/material/normal.outputs:rgb>
%(preview_opacity)s            token outputs:surface
        }

        def Shader "st"
        {
            uniform token info:id = "UsdPrimvarReader_float2"
            string inputs:varname = "st"
            float2 outputs:result
        }

        def Shader "base_color"
        {
            uniform token info:id = "UsdUVTexture"
            asset inputs:file = @textures/base_color.png@
            token inputs:sourceColorSpace = "sRGB"
            token inputs:wrapS = "clamp"
            token inputs:wrapT = "clamp"
            float2 inputs:st.connect = </asset/material/st.outputs:result>
            float3 outputs:rgb
%(alpha)s        }

        def Shader "orm"
        {
            uniform token info:id = "UsdUVTexture"
            asset inputs:file = @textures/occlusion_roughness_metallic.png@
            token inputs:sourceColorSpace = "raw"
            token inputs:wrapS = "clamp"
            token inputs:wrapT = "clamp"
            float2 inputs:st.connect = </asset/material/st.outputs:result>
            float outputs:r
            float outputs:g
            float outputs:b
        }

        def Shader "normal"
        {
            uniform token info:id = "UsdUVTexture"
            asset inputs:file = @textures/normal.png@
            token inputs:sourceColorSpace = "raw"
            float4 inputs:scale = (2, 2, 2, 1)
            float4 inputs:bias = (-1, -1, -1, 0)
            token inputs:wrapS = "clamp"
            token inputs:wrapT = "clamp"
            float2 inputs:st.connect = </asset/material/st.outputs:result>
            float3 outputs:rgb
        }

        def Shader "standard"
        {
            uniform token info:id = "ND_standard_surface_surfaceshader"
            float inputs:base = 1
            color3f inputs:base_color.connect = </asset/material/mtlx_base_color.outputs:out>
            float inputs:specular_roughness.connect = </asset/material/mtlx_channels.outputs:outy>
            float inputs:metalness.connect = </asset/material/mtlx_channels.outputs:outz>
            vector3f inputs:normal.connect = </asset/material/mtlx_normalmap.outputs:out>
%(standard_opacity)s            token outputs:out
        }
%(opacity_nodes)s
        def Shader "mtlx_base_color"
        {
            uniform token info:id = "ND_image_color3"
            asset inputs:file = @textures/base_color.png@ (
                colorSpace = "srgb_texture"
            )
            string inputs:uaddressmode = "clamp"
            string inputs:vaddressmode = "clamp"
            color3f outputs:out
        }

        def Shader "mtlx_orm"
        {
            uniform token info:id = "ND_image_vector3"
            asset inputs:file = @textures/occlusion_roughness_metallic.png@ (
                colorSpace = "raw"
            )
            string inputs:uaddressmode = "clamp"
            string inputs:vaddressmode = "clamp"
            vector3f outputs:out
        }

        def Shader "mtlx_channels"
        {
            uniform token info:id = "ND_separate3_vector3"
            vector3f inputs:in.connect = </asset/material/mtlx_orm.outputs:out>
            float outputs:outx
            float outputs:outy
            float outputs:outz
        }

        def Shader "mtlx_normal"
        {
            uniform token info:id = "ND_image_vector3"
            asset inputs:file = @textures/normal.png@ (
                colorSpace = "raw"
            )
            string inputs:uaddressmode = "clamp"
            string inputs:vaddressmode = "clamp"
            vector3f outputs:out
        }

        def Shader "mtlx_normalmap"
        {
            uniform token info:id = "ND_normalmap"
            vector3f inputs:in.connect = </asset/material/mtlx_normal.outputs:out>
            vector3f outputs:out
        }
    }
"""

# "presence" is how glTF and standard_surface blend, and how the trainer does: highlights fade with the surface.
TRANSPARENT = {
    "preview_opacity": """            float inputs:opacity.connect = </asset/material/base_color.outputs:a>
            token inputs:opacityMode = "presence"
""",
    "alpha": """            float outputs:a
""",
    "standard_opacity": """            color3f inputs:opacity.connect = </asset/material/mtlx_opacity.outputs:out>
""",
    "opacity_nodes": """
        def Shader "mtlx_base_color_alpha"
        {
            uniform token info:id = "ND_image_color4"
            asset inputs:file = @textures/base_color.png@ (
                colorSpace = "srgb_texture"
            )
            string inputs:uaddressmode = "clamp"
            string inputs:vaddressmode = "clamp"
            color4f outputs:out
        }

        def Shader "mtlx_alpha"
        {
            uniform token info:id = "ND_separate4_color4"
            color4f inputs:in.connect = </asset/material/mtlx_base_color_alpha.outputs:out>
            float outputs:outa
        }

        def Shader "mtlx_opacity"
        {
            uniform token info:id = "ND_convert_float_color3"
            float inputs:in.connect = </asset/material/mtlx_alpha.outputs:outa>
            color3f outputs:out
        }
""",
}
"""What the material says in addition where the base colour's texture has an alpha channel."""


def material_text(transparent: bool) -> str:
    """The material prim, for a base colour with or without opacity in its alpha channel."""
    return MATERIAL % (TRANSPARENT if transparent else dict.fromkeys(TRANSPARENT, ""))
