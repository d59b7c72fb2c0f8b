"""Fails as soon as it runs."""

import awsesp


async def application(device):
    raise RuntimeError("the sensor is not there")


if __name__ == "__main__":
    awsesp.run(application)
