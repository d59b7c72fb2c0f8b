"""MQTT 3.1.1 as a dialect of a connection: the functions that `mqtt5.Mqtt5` has, too."""

from __future__ import annotations

from tools.cloud import packets
from tools.cloud.packets import CONNACK, SUBACK, UNSUBACK, Connect, packet
from tools.cloud.session import Message


class Mqtt311:
    """Knows nothing of its connection: one is enough for all."""

    decode_connect = staticmethod(packets.decode_connect)
    decode_publish = staticmethod(packets.decode_publish)
    decode_acknowledgement = staticmethod(packets.decode_packet_id)
    decode_subscribe = staticmethod(packets.decode_subscribe)
    decode_unsubscribe = staticmethod(packets.decode_unsubscribe)
    answers_refusals = False  # what is forbidden ends the connection

    def decode_disconnect(self, body: bytes) -> tuple[bool, float | None]:
        return False, None

    def wants_retained(self, options: int, is_new: bool) -> bool:
        return True

    def connack(self, code: int, present: bool = False, connect: Connect | None = None, reason: str = "") -> bytes:
        return bytes((CONNACK, 2, present, code))

    def puback(self, packet_id: int, code: int = 0) -> bytes:
        return packets.puback(packet_id)

    def suback(self, packet_id: int, granted: list[int]) -> bytes:
        return packet(SUBACK, packet_id.to_bytes(2, "big") + bytes(granted))

    def unsuback(self, packet_id: int, existed: list[bool]) -> bytes:
        return packet(UNSUBACK, packet_id.to_bytes(2, "big"))

    def farewell(self, reason: str, detail: str, code: int | None) -> bytes:
        return b""

    def publish(self, message: Message, packet_id: int = 0) -> bytes:
        return message.packet_1(packet_id) if packet_id else message.packet_0()
