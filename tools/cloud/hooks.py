"""Pre-provisioning hooks: who may become a thing. With AWS a hook is a Lambda function, here a Python function.

    with LocalCloud(folder, hooks={"ours": AllowList(["0a1b2c"])}) as cloud:
        create_fleet(cloud.iot(), hook_arn=cloud.hook_arn("ours"))

A hook has Lambda's signature, hook(event, context), so that the same file serves AWS. The event: claimCertificateId,
certificateId, certificatePem, templateArn, clientId, parameters. The answer: {"allowProvisioning": True} and, if it
likes, "parameterOverrides". ("Pre-provisioning hooks", AWS IoT Core developer guide)
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

Hook = Callable[[dict, object], object]
TIMEOUT_S = 5.0  # AWS: within five seconds
DEFAULT_FUNCTION = "pre_provisioning_hook"


class HookRefused(Exception):
    """The device may not be provisioned; the message says why."""


class AllowList:
    """Allows serial numbers: those given, and those in a file, one a line, that is read anew each time."""

    def __init__(self, serials: Iterable[str] = (), file: Path | None = None):
        self.serials = set(serials)
        self._file = file

    def __call__(self, event: dict, context: object = None) -> dict:
        serial = event["parameters"].get("SerialNumber")
        return {"allowProvisioning": serial in self.serials or serial in self._from_file()}

    def _from_file(self) -> set[str]:
        if self._file is None:
            return set()
        lines = (line.partition("#")[0].strip() for line in self._file.read_text(encoding="utf-8").splitlines())
        return {line for line in lines if line}


def load(where: str) -> Hook:
    """The function in a file: "hook.py", or "hook.py:function". Raises ValueError that says what is wrong."""
    path, _, name = where.partition(":")
    name = name or DEFAULT_FUNCTION
    spec = importlib.util.spec_from_file_location("pre_provisioning", path)
    if spec is None or not Path(path).is_file():
        raise ValueError(f"there is no Python file {path}")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{path} cannot be loaded: {error!r}") from error
    hook = getattr(module, name, None)
    if not callable(hook):
        raise ValueError(f"{path} has no function {name}(event, context)")
    return hook


def arn(region: str, account: str, name: str) -> str:
    """How templates name a hook: as a Lambda function."""
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


async def ask(hooks: Mapping[str, Hook], function: str, event: dict) -> dict[str, str]:
    """The parameters that the hook with the ARN `function` overrides. Raises HookRefused."""
    name = function.rpartition(":function:")[2].partition(":")[0]
    if name not in hooks:
        raise HookRefused(f"there is no function {name} here; there are: {', '.join(hooks) or 'none'}")
    loop = asyncio.get_running_loop()
    try:
        answer = await asyncio.wait_for(loop.run_in_executor(None, hooks[name], event, None), TIMEOUT_S)
    except asyncio.TimeoutError:
        raise HookRefused(f"{name} took more than {TIMEOUT_S:.0f} seconds") from None
    except Exception as error:
        raise HookRefused(f"{name} failed: {error!r}") from error
    if not isinstance(answer, dict) or answer.get("allowProvisioning") is not True:
        raise HookRefused(f"{name} does not allow it")
    overrides = answer.get("parameterOverrides") or {}
    if not isinstance(overrides, dict) or not all(isinstance(value, str) for value in overrides.values()):
        raise HookRefused(f"{name} answers with parameterOverrides that are no strings by name")
    return overrides
