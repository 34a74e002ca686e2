"""From a finished run to files other programs read: nvdiffrec's tree, glTF, USD. `asset.py` is what goes in."""
