"""Stand-in for micropython-lib's `umqtt.robust`, which stock boards have frozen: it connects again for ever."""

import utime

from . import simple


class MQTTClient(simple.MQTTClient):
    """As umqtt.simple's, but that a lost connection is opened anew, without the subscriptions."""

    DELAY = 2  # seconds
    DEBUG = False

    def delay(self, i):
        utime.sleep(self.DELAY)

    def log(self, in_reconnect, error):
        if self.DEBUG:
            print("mqtt%s: %r" % (" reconnect" if in_reconnect else "", error))

    def reconnect(self):
        """Returns what `connect` does."""
        attempt = 0
        while True:
            try:
                return super().connect(False)
            except OSError as error:
                self.log(True, error)
                attempt += 1
                self.delay(attempt)

    def publish(self, topic, msg, retain=False, qos=0):
        return self._again(super().publish, topic, msg, retain, qos)

    def wait_msg(self):
        return self._again(super().wait_msg)

    def check_msg(self, attempts=2):
        """The next message, if there is one; None also where the connection is lost `attempts` times."""
        while attempts:
            try:
                self.sock.setblocking(False)
                return super().wait_msg()
            except OSError as error:
                self.log(False, error)
            self.reconnect()
            attempts -= 1
        return None

    def _again(self, call, *args):
        while True:
            try:
                return call(*args)
            except OSError as error:
                self.log(False, error)
            self.reconnect()
