"""The local AWS IoT: a development twin of AWS IoT Core for one desk."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.cloud.local_cloud import LocalCloud

__all__ = ["LocalCloud"]


def __getattr__(name: str) -> object:
    # Imported when asked for: the broker alone needs neither boto3 nor aiohttp.
    if name == "LocalCloud":
        from tools.cloud.local_cloud import LocalCloud

        return LocalCloud
    raise AttributeError(name)
