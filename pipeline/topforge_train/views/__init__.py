"""What the trainer is given: photographs with their cameras and masks, and what they say about themselves.

`inputs` decides what a run is trained on and measured with, `data` holds it as tensors, `camera` projects. Before the
first iteration `preparation` asks what the photographs agree on: `consensus` (the hull of the masks, from which pass 1
starts), `trust` (how far each pixel is believed) and `exposure` (by what factor each photograph is brighter). While
training, `corrections` goes on learning each view's exposure and pose.
"""
