"""Inception, from the Filter Up: the code that the course shows, and that its chapters run.

Nothing is imported here, so that ``import utils`` costs nothing: take what you need from the
modules, ``from utils.googlenet import googlenet``.
"""

__version__ = "0.1.0"
