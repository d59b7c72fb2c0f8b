"""Asks a person what the device is to know: Wi-Fi from the list that the device itself sees, cloud, certificates."""

from tools.configure import credentials, document
from tools.configure.firmware import errors, settings_checks
from tools.configure.link import last_failure
from tools.configure.trouble import CODES, Mistake, Trouble

_ROLES = {"1": "claim", "2": "thing", "3": None}
_KEEP = "keep"  # shorter than any password
_MORE_TRIES = {"w": "Wi-Fi", "c": "cloud", "f": "certificate files", "t": "try the same again", "q": "give up"}


class GivenUp(Exception):
    """The person wants no more."""


class Wizard:
    """What was decided so far; each step may be gone through again. `run` is `Background.run`."""

    def __init__(self, run, link, screen):
        self._run = run
        self._link = link
        self._screen = screen
        self._networks = []
        self._aws = {}
        self._way = None  # of _ROLES
        self._found = None

    @property
    def _role(self):
        """Whose certificates are asked for: "claim" or "thing"; None: it keeps those that it has."""
        return _ROLES.get(self._way)

    def all(self):
        """Every question once; returns the `Plan` that the person agreed to. Raises Trouble, GivenUp."""
        self._who()
        self._wifi()
        self._cloud()
        self._certificates()
        return self._agreed()

    def better(self, code=None):
        """After a failure with this code: the person corrects what they want; the next `Plan`. Raises GivenUp."""
        self._screen.say()
        for key, what in _MORE_TRIES.items():
            self._screen.say(f"  {key}  {what}")
        ways = {"w": self._wifi, "c": self._cloud_and_files, "f": self._certificates, "t": lambda: None}
        answer = self._ask("What now?", lambda typed: typed[:1].lower() in _MORE_TRIES, _first_way(code))
        if answer[:1].lower() == "q":
            raise GivenUp
        ways[answer[:1].lower()]()
        return self._agreed()

    # Who it is

    def _who(self):
        status = self._asked("STS") or {}
        info = self._link.info
        facts = [("device", info["name"]), ("hardware", info.get("hardware", "?")), ("firmware", info.get("version"))]
        if status.get("thing"):
            facts.append(("enrolled as", status["thing"]))
        self._screen.facts(facts)
        failure = last_failure(self._run(self._link.state())) or last_failure(status)
        if failure:
            what = CODES.get(failure["code"], CODES[12])[1]
            self._screen.warn(f"Its last attempt failed: {what}. {failure.get('message') or ''}")
        self._has_thing = bool(status.get("thing"))

    def _asked(self, typ, dat=None):
        """What it answers; None when it refuses to tell, for it can be set up all the same."""
        try:
            return self._run(self._link.ask(typ, dat)).details
        except Trouble as trouble:
            if trouble.kind != "refused":
                raise
            return None

    # Wi-Fi

    def _wifi(self):
        self._screen.heading("Wi-Fi")
        aps = self._scan()
        chosen = []
        while len(chosen) < settings_checks.MAX_NETWORKS:
            network = self._network(aps)
            if network == "again":
                aps = self._scan()
                continue
            if network is None:
                break
            self._networks = chosen = [one for one in chosen if one["ssid"] != network["ssid"]] + [network]
            if not self._yes("Another network, for another place?", False):
                break

    def _scan(self):
        with self._screen.step("Asking which networks it sees"):
            answer = self._asked("SCAN") or {}
        aps = [ap for ap in answer.get("aps", ()) if isinstance(ap.get("ssid"), str)]
        if aps:
            self._screen.networks(aps)
        else:
            self._screen.warn("It sees no network: move it closer to the router, or type the name.")
        return aps

    def _network(self, aps):
        """A network, "again" to look again, None to keep what it has."""
        names = ", ".join(one["ssid"] for one in self._networks)
        what = f"stay with {names}" if names else "keep the Wi-Fi it has"
        self._screen.say(f"A number, a name that is not listed, r to look again, or nothing to {what}.", "dim")
        while True:
            typed = self._screen.input("Network:")
            if typed in ("", "r"):
                return "again" if typed else None
            ap = _chosen(aps, typed)
            ssid = ap["ssid"] if ap else typed
            if problem := _problem(settings_checks.ssid, ssid):
                self._screen.warn(problem)
                continue
            return {"ssid": ssid, **self._password(ssid, ap)}

    def _password(self, ssid, ap):
        """{"password"}: as typed, None for an open network; without it the device keeps the one that it has."""
        if ap and not ap["secure"]:
            return {"password": None}
        if not ap:
            self._screen.say(f"Does the device know it already? {_KEEP} is the password that it has.", "dim")
        hint = "nothing to keep the one it has" if ap else "nothing for an open network"
        while True:
            typed = self._screen.input(f"Password of “{ssid}” (not shown, {hint}):", secret=True)
            if typed == ("" if ap else _KEEP):
                if self._knows(ssid):
                    return {}
                self._screen.warn(f"It has no password of “{ssid}”: type it.")
            elif not typed:
                return {"password": None}
            elif problem := _problem(settings_checks.password, typed):
                self._screen.warn(problem)
            else:
                return {"password": typed}

    def _knows(self, ssid):
        """Whether the device has this network: one that is told without its password keeps what it has."""
        self._run(self._link.forget_others(()))  # what was typed before may be what it would keep
        return self._asked("CFG", {"networks": [{"ssid": ssid}]}) is not None

    # Cloud

    def _cloud_and_files(self):
        self._cloud()
        self._certificates()

    def _cloud(self):
        self._screen.heading("Cloud")
        self._screen.say("`aws iot describe-endpoint --endpoint-type iot:Data-ATS`; nothing keeps what it has.", "dim")
        aws = {}
        endpoint = self._checked("Endpoint:", settings_checks.endpoint, self._aws.get("endpoint", ""))
        if endpoint:
            aws["endpoint"] = endpoint
        self._screen.say("  1  it enrols itself, with a claim certificate and a provisioning template")
        self._screen.say("  2  it is a thing already, with a certificate of its own")
        self._screen.say("  3  it keeps the name and certificates that it has")
        default = self._way or ("3" if self._has_thing else "1")
        self._way = self._ask("How does it sign in?", lambda typed: typed in _ROLES, default)
        if self._role == "claim":
            aws["template"] = self._checked("Provisioning template:", _template, self._aws.get("template", ""))
        elif self._role == "thing":
            aws["thing"] = self._checked("Name of the thing:", _thing, self._aws.get("thing", ""))
        self._aws = {name: value for name, value in aws.items() if value}

    # Certificates

    def _certificates(self):
        if self._role is None:
            self._found = None
            return
        self._screen.heading("Certificates")
        self._screen.say(
            f"The {self._role} certificate, its private key and the trusted roots (AmazonRootCA1.pem and 3): files, or"
            " the folder they are in. Nothing keeps what it has.",
            "dim",
        )
        while True:
            typed = self._screen.input("Files [as before]:" if self._found else "Files:")
            if not typed:
                return
            try:
                self._found = credentials.sort_out(credentials.paths_of(typed))
            except Mistake as mistake:
                self._screen.warn(str(mistake))
                continue
            self._show_found()
            return

    def _show_found(self):
        found = self._found
        if found.cert:
            self._screen.good(f"certificate and private key, a pair: {credentials.title(found.cert)}")
        else:
            self._screen.warn("no certificate with a private key: the device keeps those that it has")
        names = ", ".join(credentials.title(root) for root in found.roots)
        if names:
            self._screen.good(f"trusted root: {names}")
        else:
            self._screen.warn("no trusted root: the device keeps the one that it has")
        for note in found.notes:
            self._screen.warn(note)

    # The last look

    def _agreed(self):
        try:
            plan = document.from_person(self._networks, self._aws, self._role, self._found)
        except Mistake as mistake:
            self._screen.warn(str(mistake))
            return self.better()
        self._screen.heading("Ready to send")
        self._screen.facts(self._summary())
        self._screen.say("It tries the Wi-Fi first, and keeps all of this only if that works.", "dim")
        if not self._yes("Send?", True):
            raise GivenUp
        return plan

    def _summary(self):
        names = [one["ssid"] + _how(one) for one in self._networks]
        yield "Wi-Fi", ", ".join(names) or "stays as it is"
        yield "endpoint", self._aws.get("endpoint", "stays as it is")
        if self._role:
            name = self._aws.get("template") or self._aws.get("thing")
            yield ("template" if self._role == "claim" else "thing"), name or "stays as it is"
        found = self._found
        yield "certificate", credentials.title(found.cert) if found and found.cert else "stays as it is"
        if found and found.roots:
            yield "trusted root", ", ".join(credentials.title(root) for root in found.roots)

    # Questions

    def _checked(self, prompt, check, default):
        shown = f"{prompt[:-1]} [{default}]:" if default else prompt
        while True:
            typed = self._screen.input(shown) or default
            if not typed or not (problem := _problem(check, typed)):
                return typed
            self._screen.warn(problem)

    def _ask(self, prompt, is_fine, default):
        while not is_fine(typed := self._screen.input(f"{prompt} [{default}]") or default):
            self._screen.warn("One of those above.")
        return typed

    def _yes(self, prompt, default):
        typed = self._screen.input(f"{prompt} [{'Y/n' if default else 'y/N'}]").lower()
        return typed.startswith("y") if typed else default


def _how(network):
    if "password" not in network:
        return " (the password it has)"
    return " (open)" if network["password"] is None else ""


def _chosen(aps, typed):
    """The listed network with this number or name, None for another one."""
    if typed.isdecimal() and 1 <= int(typed) <= len(aps):
        return aps[int(typed) - 1]
    return next((ap for ap in aps if ap["ssid"] == typed), None)


def _problem(check, value):
    """What the firmware would say to this value; None when it takes it. Secrets are not in its sentences."""
    try:
        check("it", value)
    except errors.PersonError as error:
        return error.message.removeprefix("it: ")  # who has just typed it knows what is meant
    return None


def _template(path, value):
    return settings_checks.word(path, value, 36, "_-")


def _thing(path, value):
    return settings_checks.word(path, value, 128, ":_-")


def _first_way(code):
    if code in (6, 7, 9):
        return "w"
    if code in (5, 14):
        return "c"
    return "f" if code in (8, 13, 15) else "t"
