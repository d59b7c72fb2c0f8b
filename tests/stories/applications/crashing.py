"""Fails as soon as it runs."""

import board
from aws.client import Aws
from flash import Flash
from system import System
from wifi import Wifi


async def application(device):
    raise RuntimeError("the sensor is not there")


if __name__ == "__main__":
    System(board, Flash, Wifi, Aws, application).run()
