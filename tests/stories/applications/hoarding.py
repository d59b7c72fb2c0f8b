"""Lets messages without a handler pile up, and tells by command what has become of them."""

import asyncio

import awsesp


async def application(device):
    await device.aws.connected()
    await device.aws.subscribe("devices/%s/post" % device.name, 1)
    await device.aws.subscribe("devices/%s/command" % device.name, 1, lambda message: tell(device.aws.messages))
    print("application: listens")
    await asyncio.Event().wait()


def tell(messages):
    sizes = []
    while messages.any():
        sizes.append(len(messages.get_nowait().payload))
    print("application: kept %d, dropped %d, bytes %s" % (len(sizes), messages.dropped, sizes))


if __name__ == "__main__":
    awsesp.run(application)
