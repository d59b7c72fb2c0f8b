"""Measured numbers: `python -m tools bench`. The command line is loaded only when it is asked for."""


def __getattr__(name):
    if name == "app":
        from tools.bench.cli import app

        return app
    raise AttributeError(name)
