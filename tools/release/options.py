"""The options that the commands share, and how each command ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from tools.release import account as accounts
from tools.release.trouble import INTERRUPTED, NOT_ALL, USAGE, Mistake, Refused

Image = Annotated[
    Path, typer.Argument(help="The firmware image: BOARD-x.y.z-update.bin of `make firmware`, or one of `image`.")
]
Keys = Annotated[
    Path, typer.Option("--keys", metavar="FOLDER", help="Where the private keys are.", envvar="RELEASE_KEYS")
]
Kid = Annotated[str | None, typer.Option("--kid", help="Id of the key; not needed when there is one only.")]
Trusted = Annotated[Path, typer.Option("--trusted", metavar="FILE", help="The firmware's public keys.")]
Version = Annotated[
    str | None,
    typer.Option("--version", help="Of the image; else what its header or name says, or lib/release.py."),
]
Hardware = Annotated[str, typer.Option("--hardware", help="The `hardware` of the devices' settings.")]
MinVersion = Annotated[str, typer.Option("--min-version", help="Devices that have it never go below this one again.")]
Force = Annotated[
    str, typer.Option("--force", metavar="THING", help="Lets this one thing take it though it is not newer.")
]
JobId = Annotated[str, typer.Argument(help="Id of the job, as `list` shows it.")]
Profile = Annotated[str | None, typer.Option("--profile", help="Profile of ~/.aws.")]
Region = Annotated[str | None, typer.Option("--region", help="AWS region.")]
Local = Annotated[bool, typer.Option("--local", help="Not AWS: the local AWS IoT of a running `make cloud`.")]
EndpointUrl = Annotated[str | None, typer.Option("--endpoint-url", help="Not AWS: a local AWS IoT by its URL.")]


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Troubles become a sentence and an exit code."""
    try:
        yield
    except Mistake as mistake:
        typer.echo(f"release: {mistake}", err=True)
        raise typer.Exit(USAGE) from None
    except Refused as refusal:
        typer.echo(f"release: {refusal}", err=True)
        raise typer.Exit(NOT_ALL) from None
    except OSError as error:
        if error.filename is None:
            raise
        typer.echo(f"release: {error.filename}: {error.strerror}", err=True)
        raise typer.Exit(USAGE) from None
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("\nrelease: stopped.", err=True)
        raise typer.Exit(INTERRUPTED) from None


def account(profile: str | None, region: str | None, local: bool, endpoint_url: str | None) -> accounts.Account:
    """The account that these options mean."""
    url = endpoint_url or (accounts.running_local() if local else None)
    return accounts.open_account(profile, region, url)
