"""How good it looks, and how good it is: pictures for people, and numbers that compare with the truth.

While a run trains, `preview` draws it beside photographs it was not shown, with the extra pictures of `display`. At its
end `validation` draws and measures all held-out views (`metrics`, and `perceptual` where LPIPS can be had). `result`
measures a published result as files, `sample_scores` against a capture whose truth is known, `spikes` its surface.
`pictures` writes what was drawn, beside the drawing.
"""
