"""The command line of `python -m tools release`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tools.release import images, jobs, key_commands, keys, publish
from tools.release import options as opt
from tools.release.screen import Screen
from tools.release.signing import Signing
from tools.release.trouble import EXITS

_EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:<4} {sentence}" for code, sentence in EXITS.items())

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=_EPILOG,
    help="Firmware updates: keys, signatures, and the way to the devices. docs/ota.md tells the whole story.",
)
app.command()(key_commands.keygen)
app.command("keys")(key_commands.list_keys)
app.command()(key_commands.revoke)
app.command()(key_commands.sign)
app.command()(key_commands.image)


@app.command("publish")
def publish_command(
    image: opt.Image,
    thing: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A device, by the name of its thing; repeatable.")
    ] = None,
    group: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A thing group; repeatable.")] = None,
    document: Annotated[
        Path | None, typer.Option(help="A document that was signed elsewhere, by `sign --out`; else it is signed now.")
    ] = None,
    bucket: Annotated[str | None, typer.Option(envvar="RELEASE_BUCKET", help="S3 bucket for the image.")] = None,
    role: Annotated[
        str | None, typer.Option(envvar="RELEASE_ROLE", help="ARN of the role by which AWS IoT makes links to it.")
    ] = None,
    rate: Annotated[int | None, typer.Option(min=1, max=1000, help="At most so many devices a minute.")] = None,
    start_rate: Annotated[int | None, typer.Option(min=1, max=1000, help="Begin with so many a minute ...")] = None,
    increase: Annotated[float | None, typer.Option(min=1.1, max=5, help="... and multiply by this ...")] = None,
    increase_after: Annotated[int | None, typer.Option(min=1, help="... after so many devices have it.")] = None,
    abort_above: Annotated[
        float | None, typer.Option(min=1, max=100, help="Cancel it when more than so many percent do not end well ...")
    ] = None,
    abort_min: Annotated[int | None, typer.Option(min=1, help="... once so many have ended; else 5.")] = None,
    timeout: Annotated[
        int | None, typer.Option(min=1, max=10080, help="Minutes that a device has once it began.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Do not follow the job to its end.")] = False,
    kid: opt.Kid = None,
    folder: opt.Keys = keys.FOLDER,
    trusted: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Public keys of the devices' firmware, where it is not this checkout's."),
    ] = None,
    version: opt.Version = None,
    hardware: opt.Hardware = "esp32",
    min_version: opt.MinVersion = "0.0.0",
    force: opt.Force = "0",
    profile: opt.Profile = None,
    region: opt.Region = None,
    local: opt.Local = False,
    endpoint_url: opt.EndpointUrl = None,
):
    """Bring an update to devices: sign it, upload it, follow its job.

    Ctrl-C ends the watching only: the job goes on.
    """
    rollout = publish.Rollout(rate, start_rate, increase, increase_after, abort_above, abort_min, timeout)
    signing = Signing(kid, folder, version, hardware, min_version, force, trusted)
    with opt.guarded():
        screen = Screen()
        rollout.settings()
        signed = None if document is None else signing.read(document, image)  # what is wrong on this desk comes first
        images.load(image)
        account = opt.account(profile, region, local, endpoint_url)
        publish.check(account, bucket, role, [*(thing or []), *(group or [])])
        arns = publish.targets(account, thing or [], group or [])
        data, made = signed or signing.sign(image)  # a passphrase is asked for once all else is right
        place = publish.place(bucket, role, made)
        publish.upload(account, place, data)
        screen.say(f"{made['version']} for {made['hardware']}, {len(data)} bytes, signed with {made['kid']}: {place}")
        job_id = publish.create_job(account, place, made, arns, rollout)
        screen.say(f"Job {job_id} in {account.where}")
        if not detach:
            raise typer.Exit(jobs.follow(screen, account, job_id, made["version"]))


@app.command("follow")
def follow_command(
    job: opt.JobId,
    profile: opt.Profile = None,
    region: opt.Region = None,
    local: opt.Local = False,
    endpoint_url: opt.EndpointUrl = None,
):
    """Watch a job to its end."""
    with opt.guarded():
        account = opt.account(profile, region, local, endpoint_url)
        raise typer.Exit(jobs.follow(Screen(), account, job, jobs.version_of(account, job)))


@app.command("list")
def list_command(
    everything: Annotated[bool, typer.Option("--all", help="Jobs that are over, too.")] = False,
    profile: opt.Profile = None,
    region: opt.Region = None,
    local: opt.Local = False,
    endpoint_url: opt.EndpointUrl = None,
):
    """The update jobs, the newest first, and how far they are."""
    with opt.guarded():
        jobs.show(Screen(), opt.account(profile, region, local, endpoint_url), everything)


@app.command()
def cancel(
    job: opt.JobId,
    force: Annotated[
        bool, typer.Option("--force", help="Devices at work, too: they stop before they switch to the new image.")
    ] = False,
    profile: opt.Profile = None,
    region: opt.Region = None,
    local: opt.Local = False,
    endpoint_url: opt.EndpointUrl = None,
):
    """Cancel a job: no further device begins. What devices have, they keep."""
    with opt.guarded():
        jobs.cancel(Screen(), opt.account(profile, region, local, endpoint_url), job, force)
