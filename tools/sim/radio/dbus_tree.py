"""Objects on a D-Bus: their properties, their methods, and the ObjectManager that tells of them."""

import asyncio
import contextlib
import logging
from typing import ClassVar

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

_PROPERTIES = "org.freedesktop.DBus.Properties"
_MANAGER = "org.freedesktop.DBus.ObjectManager"
_INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
_BUS = "org.freedesktop.DBus"


class CallFailed(Exception):
    """(name of the D-Bus error, words)"""


class Interface:
    """One interface of an object. `properties` are {name: Variant}; a method is `async def do_Name(sender, *args)`.

    It returns the values of the answer, a list; `answers` has the signature of those that have any.
    """

    name = ""
    answers: ClassVar[dict] = {}
    writeable = ()

    def __init__(self, tree, path, **properties):
        self.tree = tree
        self.path = path
        self.properties = {}
        self.set(**properties)

    def set(self, **properties):
        """Each property is (signature, value). Those that change are told to everybody."""
        changed = {}
        for name, (signature, value) in properties.items():
            old = self.properties.get(name)
            if old is None or old.value != value:
                changed[name] = self.properties[name] = Variant(signature, value)
        self.tell(changed)

    def tell(self, changed):
        """Tell everybody, once the object is known."""
        if changed and self.tree.has(self):
            self.tree.signal(self.path, _PROPERTIES, "PropertiesChanged", "sa{sv}as", [self.name, changed, []])

    def value(self, name):
        return self.properties[name].value

    def client_left(self, sender):
        """That client has left the bus."""


class ObjectTree:
    """Everything that one service exports."""

    def __init__(self):
        self._objects = {}  # path -> {name: Interface}
        self._bus = None
        self._tasks = set()

    async def connect(self, address, name):
        """Serve as `name` on that bus."""
        self._bus = await MessageBus(bus_address=address).connect()
        self._bus.add_message_handler(self._handle)
        await self._bus.call(
            Message(
                destination=_BUS,
                path="/org/freedesktop/DBus",
                interface=_BUS,
                member="AddMatch",
                signature="s",
                body=[f"type='signal',sender='{_BUS}',member='NameOwnerChanged'"],
            )
        )
        await self._bus.request_name(name)

    async def close(self):
        """Leave the bus."""
        for task in list(self._tasks):
            task.cancel()
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.disconnect()
            with contextlib.suppress(EOFError, OSError):
                await bus.wait_for_disconnect()

    def add(self, *interfaces):
        """Export the interfaces of one object."""
        path = interfaces[0].path
        self._objects.setdefault(path, {}).update({one.name: one for one in interfaces})
        described = {one.name: one.properties for one in interfaces}
        self.signal("/", _MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, described])

    def remove(self, path):
        """The object is gone, and all below it."""
        for own in sorted((known for known in self._objects if (known + "/").startswith(path + "/")), reverse=True):
            names = list(self._objects.pop(own))
            self.signal("/", _MANAGER, "InterfacesRemoved", "oas", [own, names])

    def has(self, interface):
        return self._objects.get(interface.path, {}).get(interface.name) is interface

    def signal(self, path, interface, member, signature, body):
        if self._bus is not None and self._bus.connected:
            self._bus.send(Message.new_signal(path, interface, member, signature, body))

    def start(self, coroutine):
        """Run it on its own for as long as the tree is connected."""
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _handle(self, message):
        if message.message_type == MessageType.SIGNAL and message.member == "NameOwnerChanged":
            name, _, owner = message.body
            if not owner:
                for one in self._interfaces():
                    one.client_left(name)
            return None
        if message.message_type != MessageType.METHOD_CALL:
            return None
        self.start(self._answer(message))
        return True

    def _interfaces(self):
        return [one for interfaces in list(self._objects.values()) for one in interfaces.values()]

    async def _answer(self, message):
        try:
            signature, body = await self._call(message)
            reply = Message.new_method_return(message, signature, body)
        except CallFailed as failure:
            reply = Message.new_error(message, *failure.args)
        except Exception as error:  # a client must not wait for ever because of a mistake of ours
            logging.getLogger(__name__).exception("%s.%s", message.interface, message.member)
            reply = Message.new_error(message, "org.freedesktop.DBus.Error.Failed", repr(error))
        if self._bus is not None and self._bus.connected:
            self._bus.send(reply)

    async def _call(self, message):
        """(signature, body) of the answer."""
        if message.interface == _MANAGER and message.member == "GetManagedObjects":
            return "a{oa{sa{sv}}}", [self._describe()]
        if message.interface == _INTROSPECTABLE:
            return "s", ["<node/>"]
        interfaces = self._objects.get(message.path)
        if interfaces is None:
            raise CallFailed("org.freedesktop.DBus.Error.UnknownObject", f"no object {message.path}")
        if message.interface == _PROPERTIES:
            return self._access(interfaces, message.member, *message.body)
        interface = interfaces.get(message.interface)
        method = getattr(interface, f"do_{message.member}", None)
        if method is None:
            words = f"{message.interface}.{message.member} is not simulated"
            raise CallFailed("org.freedesktop.DBus.Error.UnknownMethod", words)
        values = await method(message.sender, *message.body)
        return interface.answers.get(message.member, ""), values or []

    def _describe(self):
        return {
            path: {name: one.properties for name, one in interfaces.items()}
            for path, interfaces in self._objects.items()
        }

    def _access(self, interfaces, member, name, *arguments):
        interface = interfaces.get(name)
        if interface is None:
            raise CallFailed("org.freedesktop.DBus.Error.UnknownInterface", name)
        if member == "GetAll":
            return "a{sv}", [interface.properties]
        prop = arguments[0]
        if prop not in interface.properties:
            raise CallFailed("org.freedesktop.DBus.Error.UnknownProperty", prop)
        if member == "Get":
            return "v", [interface.properties[prop]]
        if prop not in interface.writeable:
            raise CallFailed("org.freedesktop.DBus.Error.PropertyReadOnly", prop)
        interface.set(**{prop: (arguments[1].signature, arguments[1].value)})
        return "", []
