"""The local AWS IoT as one object: broker, REST control plane and file server, in a thread of their own.

    with LocalCloud(folder) as cloud:
        fleet = create_fleet(cloud.iot())
        ...connect to cloud.endpoint, cloud.mqtt_port, trusting cloud.ca_file

Everything that must survive is in the folder. A second LocalCloud on the same folder is refused while one is running.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import traceback
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from tools.cloud.authority import CA_FILE, CertificateAuthority
from tools.cloud.broker import Broker, silent
from tools.cloud.clients import make_client
from tools.cloud.cloud_faults import CloudFaults
from tools.cloud.defender import Defender
from tools.cloud.fault_desk import FaultDesk
from tools.cloud.files.service import Files
from tools.cloud.hooks import Hook
from tools.cloud.hooks import arn as hooks_arn
from tools.cloud.https_endpoint import MQTT_ALPN, HttpsEndpoint
from tools.cloud.interfaces import Log, Service
from tools.cloud.jobs.service import JobsService
from tools.cloud.limits import Limits
from tools.cloud.local_api import LocalApi
from tools.cloud.memory import StoredMemory
from tools.cloud.operations.desk import Desk
from tools.cloud.provisioning import Provisioning
from tools.cloud.registry import DEFAULT_ACCOUNT, DEFAULT_REGION, Registry
from tools.cloud.rest import RestServer
from tools.cloud.server_certificates import ServerCertificates
from tools.cloud.shadows.service import ShadowService
from tools.cloud.store import StoreError
from tools.cloud.telling import TellingBroker

Result = TypeVar("Result")
_SWEEP_S = 1.0
_TIMEOUT_S = 30.0  # for the loop to do what another thread asks of it; longer than the broker takes to stop at worst


class LocalCloud:
    """A local AWS IoT in `folder`. Its constructor starts nothing; use it as a context manager, or start() and stop().

    Ports: 0 chooses a free one, which a later start() uses again. `endpoint` is the host name that devices and
    DescribeEndpoint are told; `files` the host (and port) that links lead to, the endpoint and `files_port` unless it
    is given; `names` are further names for the server's certificate. `fast_keys` makes EC keys where AWS makes RSA
    keys. `now` gives Unix seconds, for what expires. `log` gets what happens, in the cloud's thread.
    """

    def __init__(
        self,
        folder: str | Path,
        mqtt_port: int = 0,
        control_port: int = 0,
        files_port: int = 0,
        https_port: int = 0,
        *,
        host: str = "127.0.0.1",
        endpoint: str = "localhost",
        files: str | None = None,
        names: Iterable[str] = (),
        region: str = DEFAULT_REGION,
        account: str = DEFAULT_ACCOUNT,
        fast_keys: bool = False,
        hooks: Mapping[str, Hook] | None = None,
        limits: Limits | None = None,
        services: Callable[[Registry], Iterable[Service]] = lambda registry: (),
        now: Callable[[], float] | None = None,
        log: Log = silent,
    ):
        self.folder = Path(folder)
        self.mqtt_port = mqtt_port
        self.control_port = control_port
        self.files_port = files_port
        self.https_port = https_port
        self.host = host
        self.endpoint = endpoint
        self.region = region
        self.faults = CloudFaults()
        self.faults.show_certificate = self._show_certificate
        self._log = log
        self._files_name = files or f"{endpoint}:{{port}}"
        self._names = tuple(dict.fromkeys((endpoint, self._files_name.partition(":")[0], *names)))
        self._account = account
        self._clock = {"now": now} if now else {}
        self._fast_keys = fast_keys
        self._hooks = {} if hooks is None else hooks
        self._limits = limits
        self._more_services = services
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._registry: Registry | None = None
        self._broker: Broker | None = None
        self._https: HttpsEndpoint | None = None
        self._rest: RestServer | None = None
        self._timekeeper: asyncio.Task | None = None
        self._files: Files | None = None
        self._certificates: ServerCertificates | None = None

    # ---- what a client needs ----

    @property
    def ca_file(self) -> Path:
        """PEM of the authority that signed the server's certificate."""
        return self.folder / CA_FILE

    @property
    def control_url(self) -> str:
        """For `aws --endpoint-url` and boto3's `endpoint_url`."""
        return f"http://{'127.0.0.1' if self.host in ('0.0.0.0', '::') else self.host}:{self.control_port}"

    def iot(self):
        """A boto3 client of the control plane."""
        return self._client("iot")

    def iot_data(self):
        """A boto3 client of the data plane: Publish, retained messages, shadows."""
        return self._client("iot-data")

    def iot_jobs_data(self):
        """A boto3 client of jobs as devices see them."""
        return self._client("iot-jobs-data")

    def s3(self):
        """A boto3 client of the files: buckets, and objects that are put and got whole."""
        return self._client("s3")

    def presign(self, bucket: str, key: str, expires_s: int = 3600) -> str:
        """An https link to an object, which can be downloaded for `expires_s` seconds."""
        return self._files.presign(bucket, key, expires_s)

    def websocket_url(self, expires_s: int = 86400) -> str:
        """A signed wss:// URL: for `expires_s` seconds MQTT clients need nothing more than it, and the trusted root."""
        return self._https.signed_url(self.endpoint, expires_s)

    def _client(self, service: str):
        return make_client(service, self.region, self.control_url)

    def hook_arn(self, name: str) -> str | None:
        """The ARN by which templates name one of the `hooks`; None when there is none of this name."""
        return hooks_arn(self.region, self._account, name) if name in self._hooks else None

    # ---- life ----

    def __enter__(self) -> LocalCloud:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_running(self) -> bool:
        return self._thread is not None

    def start(self) -> None:
        """Open the folder and both ports. Raises `store.StoreError`, and OSError for a port in use."""
        if self.is_running:
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            ca = CertificateAuthority.in_folder(self.folder)
        except (OSError, ValueError) as error:
            raise StoreError(str(error)) from error
        self._loop = self._loop or asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="local-aws-iot", daemon=True)
        self._thread.start()
        try:
            self._run(self._open(ca))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Close all connections and both ports; state, sessions and the ports' numbers wait for the next start()."""
        if not self.is_running:
            return
        try:
            self._run(self._close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_TIMEOUT_S)
            self._thread = None

    def close(self) -> None:
        """stop() for good; what is in the folder waits for the next cloud."""
        self.stop()
        if self._loop is not None:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()
        self._loop = self._broker = None

    def call(self, function: Callable[..., Result], *arguments: object) -> Result:
        """Call a function in the cloud's loop and wait for its result: for what is not safe from other threads."""

        async def in_loop() -> Result:
            return function(*arguments)

        return self._run(in_loop())

    def tap(self, hear: Callable[[object, int, bytes], None] | None) -> None:
        """Let `hear(connection, first byte, body)` see each packet that a client sends, in the cloud's thread."""
        self.call(setattr, self._broker, "tap", hear)

    def interfere(self, what: Callable[..., Result], *arguments: object) -> Result:
        """Do one of `interference` to the broker, as AWS does for its own reasons."""
        return self.call(what, self._broker, *arguments)

    def sweep(self) -> None:
        """Do at once what is due by the clock, which is otherwise looked at each second."""
        self.call(self._broker.sweep)
        self.call(self._registry.jobs.progress.sweep)

    def _run(self, coroutine: Coroutine[None, None, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_TIMEOUT_S)

    # ---- in the loop ----

    async def _open(self, ca: CertificateAuthority) -> None:
        registry = Registry(self.folder, ca, self.region, self._account, **self._clock)
        self._registry = registry
        services = [
            Provisioning(registry, self.faults, self._log, self._fast_keys, self._hooks),
            Defender(registry.things, registry.names, self._limits or Limits(), registry.watchers, self._log),
            JobsService(registry.jobs_data, self._log),
            ShadowService(registry.shadows, registry.watchers, self._log),
            *self._more_services(registry),
        ]
        memory = StoredMemory(registry.store, registry.names)
        if self._broker is None:
            kind = Broker if self._log is silent else TellingBroker
            self._broker = kind(registry, services, limits=self._limits, faults=self.faults, log=self._log)
            memory.restore(self._broker)
        self._broker.registry, self._broker.services, self._broker.memory = registry, services, memory
        self._certificates = ServerCertificates(
            ca, self.region, self._names, foreign_devices=registry.certificates.foreign()
        )
        registry.watchers.publish = functools.partial(self._broker.publish, qos=1)
        registry.watchers.identity_changed = self._broker.identity_changed
        registry.watchers.disconnect = self._broker.disconnect_certificate
        registry.watchers.certificate_registered = self._trust
        context = self._certificates.context(self.faults.certificate, alpn=MQTT_ALPN)
        self.mqtt_port = await self._broker.start(self.host, self.mqtt_port, context)
        self._https = HttpsEndpoint(self._broker, registry.names)
        self._https.use(self._certificates, self.faults.certificate)
        self.https_port = self._https.open(self.host, self.https_port)
        self._files = Files(self.folder / "files", self.region, registry.names.now, self.faults.files, self._log)
        self.files_port = await self._files.start(self.host, self.files_port, self._certificates, self._files_name)
        registry.jobs.presign, registry.jobs.read_object = self._files.presign, self._files.read
        addresses = (self.endpoint, self.mqtt_port, lambda: self.control_url)
        desk = Desk(registry, self._broker, *addresses, self._fast_keys)
        self._rest = RestServer(desk, LocalApi(FaultDesk(self.faults)), self._files.api, self._log)
        self.control_port = await self._rest.start(self.host, self.control_port)
        self._timekeeper = asyncio.get_running_loop().create_task(self._keep_time(registry))

    async def _keep_time(self, registry: Registry) -> None:
        """What is due in the registry by the clock; the broker looks at its own."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            try:
                registry.jobs.progress.sweep()
            except Exception:  # noqa: BLE001 - a mistake there is logged each second, and stops nothing else
                self._log("sweep_failed", error=traceback.format_exc())

    async def _close(self) -> None:
        if self._timekeeper is not None:
            self._timekeeper.cancel()
            await asyncio.gather(self._timekeeper, return_exceptions=True)
        if self._rest is not None:
            await self._rest.stop()
        if self._files is not None:
            await self._files.stop()
        if self._https is not None:
            await self._https.stop_listening()
        if self._broker is not None:
            await self._broker.stop()
        if self._https is not None:
            await self._https.stop()
        if self._registry is not None:
            self._registry.close()
        self._rest = self._registry = self._timekeeper = self._https = None

    def _show_certificate(self, fault: str | None) -> None:
        if self._certificates is None or not self.is_running:
            return
        self._broker.use(self._certificates.context(fault, alpn=MQTT_ALPN))
        self._https.use(self._certificates, fault)

    def _trust(self, certificate_pem: str) -> None:
        self._certificates.foreign_devices.append(certificate_pem)
        self._show_certificate(self.faults.certificate)
