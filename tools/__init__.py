"""What runs on the desk, in CPython: `python -m tools --help`."""
