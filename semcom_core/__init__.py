"""Secure semantic communication: codecs, channels, ciphers, attacks, training and evaluation."""

import os

# NumPy's and PyTorch's thread pools would fight for the same cores: a live transmission takes a
# third longer. Read when NumPy is first loaded, so it must come before; a user's setting wins.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
