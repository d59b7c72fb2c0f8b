"""Stand-in for micropython-lib's `urequests`, which stock boards have frozen: the old name of `requests`."""

from requests import *  # noqa: F403
