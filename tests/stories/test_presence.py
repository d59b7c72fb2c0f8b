"""Whether the device is online is known from a retained message, also when its power was cut."""

from tests.stories.conftest import QUICK, thing_name


def test_the_status_tells_of_connections_and_power_cuts_in_their_order(desk, device):
    aws = {**desk.factory_settings()["aws"], "status": "devices/{thing}/status"}
    desk.leave_factory(**{**QUICK, "aws": aws})
    operator = desk.operator()

    def status():
        topic, payload = operator.next_message()
        while topic != f"devices/{thing_name(desk)}/status":
            topic, payload = operator.next_message()
        return payload["eventType"], payload.get("clientInitiatedDisconnect")

    device.power_on()
    assert status() == ("connected", None)
    device.power_cut()
    device.power_on()
    # The cloud hears of the cut by the new connection of the same client, or by the keepalive.
    assert status() == ("disconnected", False)
    assert status() == ("connected", None)
