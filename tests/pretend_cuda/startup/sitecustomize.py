"""Python runs this first in every process over the pretend CUDA (`tests/pretend_cuda/child.py`)."""

from tests.pretend_cuda import seams

seams.install()
