"""An application that crashes again and again must not cut the device off from the cloud."""

from tests.stories.conftest import QUICK

CRASHING = '''
import board
from aws.client import Aws
from flash import Flash
from system import System
from wifi import Wifi


async def application(device):
    raise RuntimeError("the sensor is not there")


System(board, Flash, Wifi, Aws, application).run()
'''


def test_a_crashing_application_is_left_out_after_five_starts(desk, tmp_path):
    main = tmp_path / "main.py"
    main.write_text(CRASHING)
    device = desk.device
    device.image.main = main
    desk.leave_factory(**QUICK)
    device.power_on()
    device.wait_for(r"task\.failed .*RuntimeError: the sensor is not there")
    for _ in range(5):
        device.wait_for(r"NORMAL --task_failed--> restart", 30)
    device.wait_for(r"INIT --crash_loop--> NORMAL", 30)
    device.wait_for(r"aws\.connected", 60)
