"""What `scripts/selfcheck.py` looks at in a real Houdini, one module for each subject."""
