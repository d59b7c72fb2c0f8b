"""The simulated ESP32: `Board` is the chip and its power cord, `World` the radio and the router around it."""

from tools.sim.cord import Board
from tools.sim.world import World

__all__ = ["Board", "World"]
