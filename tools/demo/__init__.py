"""The main job, told in a terminal."""

from tools.demo.cli import app

__all__ = ["app"]
