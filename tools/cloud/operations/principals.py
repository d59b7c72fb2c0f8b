"""Which certificate belongs to which thing."""

from __future__ import annotations

from tools.cloud.operations.catalog import operation
from tools.cloud.operations.desk import Desk
from tools.cloud.pages import page
from tools.cloud.things import NON_EXCLUSIVE


@operation("iot", "AttachThingPrincipal")
def attach_thing_principal(desk: Desk, request: dict) -> None:
    kind = request.get("thingPrincipalType", NON_EXCLUSIVE)
    desk.registry.things.attach(request["thingName"], _certificate(desk, request), kind)


@operation("iot", "DetachThingPrincipal")
def detach_thing_principal(desk: Desk, request: dict) -> None:
    desk.registry.things.detach(request["thingName"], _certificate(desk, request))


@operation("iot", "ListThingPrincipals")
def list_thing_principals(desk: Desk, request: dict) -> dict:
    rows, token = _principals(desk, request)
    return {"principals": [desk.registry.names.certificate(row["certificate"]) for row in rows], "nextToken": token}


@operation("iot", "ListThingPrincipalsV2")
def list_thing_principals_v2(desk: Desk, request: dict) -> dict:
    rows, token = _principals(desk, request)
    arn = desk.registry.names.certificate
    listed = [{"principal": arn(row["certificate"]), "thingPrincipalType": row["type"]} for row in rows]
    return {"thingPrincipalObjects": listed, "nextToken": token}


@operation("iot", "ListPrincipalThings")
def list_principal_things(desk: Desk, request: dict) -> dict:
    things = [row["name"] for row in desk.registry.things.of_certificate(_certificate(desk, request))]
    names, token = page(things, lambda name: name, request.get("maxResults"), request.get("nextToken"))
    return {"things": names, "nextToken": token}


@operation("iot", "ListPrincipalThingsV2")
def list_principal_things_v2(desk: Desk, request: dict) -> dict:
    certificate, things = _certificate(desk, request), desk.registry.things
    names = [row["name"] for row in things.of_certificate(certificate)]
    owned = [
        (name, row["type"]) for name in names for row in things.principals(name) if row["certificate"] == certificate
    ]
    wanted = [each for each in owned if request.get("thingPrincipalType") in (None, each[1])]
    chosen, token = page(wanted, lambda each: each[0], request.get("maxResults"), request.get("nextToken"))
    listed = [{"thingName": name, "thingPrincipalType": kind} for name, kind in chosen]
    return {"principalThingObjects": listed, "nextToken": token}


def _principals(desk: Desk, request: dict) -> tuple[list, str | None]:
    wanted = request.get("thingPrincipalType")
    rows = [row for row in desk.registry.things.principals(request["thingName"]) if wanted in (None, row["type"])]
    return page(rows, lambda row: row["certificate"], request.get("maxResults"), request.get("nextToken"))


def _certificate(desk: Desk, request: dict) -> str:
    return desk.registry.names.certificate_id(request["principal"])
