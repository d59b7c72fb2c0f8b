"""The local port 443 of AWS IoT: MQTT over WebSockets at /mqtt, and MQTT over mutual TLS by ALPN.

As with AWS, who opens a WebSocket shows a signature (service `iotdevicegateway`), and who offers `x-amzn-mqtt-ca` in
the TLS handshake is asked for a certificate; both come to the same broker. There is no IAM: who can sign may do
everything, as who reaches the control plane may.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from aiohttp import web

from tools.cloud.broker import Broker
from tools.cloud.connection import Connection
from tools.cloud.interfaces import Identity
from tools.cloud.listener import Listener
from tools.cloud.names import Names
from tools.cloud.policy import EVERYTHING
from tools.cloud.server_certificates import ServerCertificates
from tools.cloud.sigv4 import ACCESS_KEY, Gate, SignatureError
from tools.cloud.websocket import offers_mqtt, serve

MQTT_ALPN = ("x-amzn-mqtt-ca",)  # for the port of MQTT, too, where it changes nothing
_NOT_HERE = {"mqtt": "custom authentication", "x-amzn-http-ca": "HTTPS with a client certificate"}
_ALPN = ("http/1.1", *_NOT_HERE)
_PATH = "/mqtt"
_SERVICES = ("iotdevicegateway", "iotdata")  # the second is what AWS's first SDK for Python signs for
_SHUTDOWN_S = 1.0


class HttpsEndpoint:
    def __init__(self, broker: Broker, names: Names):
        self.port = 0
        self._broker = broker
        self._log = broker.log
        self._gate = Gate(names.region, _SERVICES, names.now)
        # Not a certificate's, but from its ARN the broker takes region and account of every resource.
        self._signer = Identity(ACCESS_KEY, names.certificate(ACCESS_KEY), policies=(EVERYTHING,))
        self._listener = Listener(lambda: _ByAlpn(self._protocol), broker.faults, broker.limits, broker.log)
        self._http = web.Server(self._handle, access_log=None)

    def open(self, host: str, port: int) -> int:
        """Listen and return the port; `use` comes before. Raises OSError for one in use."""
        self.port = self._listener.open(host, port)
        return self.port

    def use(self, certificates: ServerCertificates, fault: str | None) -> None:
        """Show the server's certificate, or one with a fault, to the connections to come."""
        of_mqtt = certificates.context(fault, alpn=MQTT_ALPN)
        self._listener.use(certificates.context(fault, ssl.CERT_NONE, _ALPN), dict.fromkeys(MQTT_ALPN, of_mqtt))

    async def stop_listening(self) -> None:
        """Take no more connections; those that stand end with the broker."""
        await self._listener.close()

    async def stop(self) -> None:
        await self._http.shutdown(_SHUTDOWN_S)

    def signed_url(self, host: str, expires_s: int) -> str:
        """Where a WebSocket can be opened for `expires_s` seconds, without any other credentials."""
        place = f"{host}:{self.port}"
        return f"wss://{place}{self._gate.sign(_PATH, place, expires_s)}"

    def _protocol(self, alpn: str | None) -> asyncio.Protocol:
        if alpn in MQTT_ALPN:
            return Connection(self._broker)
        if alpn in _NOT_HERE:
            self._log("refused", reason=alpn, detail=f"{_NOT_HERE[alpn]} is not part of the local AWS IoT")
            return _Closed()
        return self._http()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != _PATH:
            return self._refuse(
                request, 404, "ResourceNotFoundException", f"Only MQTT over WebSockets is here, at {_PATH}"
            )
        try:
            self._gate.check(request.method, request.raw_path, request.headers)
        except SignatureError as error:
            return self._refuse(request, 403, error.code, str(error))
        if request.headers.get("Upgrade", "").lower() != "websocket" or not offers_mqtt(request):
            return self._refuse(
                request, 400, "InvalidRequestException", "A WebSocket for the subprotocol mqtt is wanted"
            )
        return await serve(request, Connection(self._broker, self._signer), self._broker.limits)

    def _refuse(self, request: web.BaseRequest, status: int, code: str, message: str) -> web.Response:
        self._log("refused", source=request.remote, path=request.path, status=status, reason=code, detail=message)
        return web.json_response({"message": message}, status=status, headers={"x-amzn-ErrorType": code})


class _ByAlpn(asyncio.Protocol):
    """Stands for a connection until its TLS handshake has told what it is."""

    def __init__(self, choose: Callable[[str | None], asyncio.Protocol]):
        self._choose = choose

    def connection_made(self, transport: asyncio.Transport) -> None:
        protocol = self._choose(transport.get_extra_info("ssl_object").selected_alpn_protocol())
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


class _Closed(asyncio.Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:
        transport.close()
