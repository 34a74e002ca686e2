"""What is wrong with the photographs that people really take, made on purpose: see make_rough_capture.py."""
