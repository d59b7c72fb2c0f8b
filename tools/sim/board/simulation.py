"""What a test inside MicroPython holds in its hand: the world around the board, and the board's own secrets.

    import simulation
    simulation.world.access_point("home", "password").vanish()
    simulation.board.use_chip_clock()

Only tests and the fakes beside this file import it, the firmware never. When a host process drives the board
(`tools.sim.Board`), `world` and `board` speak to it; otherwise everything is in this process, in memory.
"""

import uos
from simulated.faults import PowerCut, Restarted  # noqa: F401  (tests catch them)

channel = uos.getenv("SIM_CHANNEL")

if channel:
    from simulated.hosted import connect
    from simulated.radio_hosted import Radio
else:
    from simulated.alone import connect
    from simulated.radio_alone import Radio

world, board = connect(channel)
world.radio = Radio(board)
