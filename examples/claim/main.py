"""Provisioning by claim: the device enrols itself, gets a certificate and key of its own, and says hello."""

import awsesp


async def application(device):
    print("application: not enrolled yet" if device.name is None else "application: enrolled before")
    await device.aws.connected()
    await device.aws.publish("devices/%s/hello" % device.name, '{"hello": "world"}', qos=1)
    print("application: I am %s" % device.name)


if __name__ == "__main__":
    awsesp.run(application)
