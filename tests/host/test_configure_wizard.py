"""`python -m tools configure` in a terminal, typed at by a person: the wizard, from the first question to the last."""

import pytest

from tests.host import pki
from tools.configure.trouble import Exit
from tools.sim.radio import dbus_daemon

if not dbus_daemon.is_installed():
    pytest.skip("no dbus-daemon on this machine; on Debian: apt-get install dbus", allow_module_level=True)

from tests.host.configure_desk import CODE_TEXT, NAME, configure_desk

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with configure_desk(tmp_path_factory.mktemp("desk")) as made:
        yield made


@pytest.fixture
def folder(tmp_path):
    """What AWS gives, in a folder with a space in its name; the public key is not for the device."""
    made = tmp_path / "from AWS"
    made.mkdir()
    (made / "abc-certificate.pem.crt").write_bytes(pki.EC_PEM)
    (made / "abc-private.pem.key").write_bytes(pki.key_bytes(pki.EC_KEY, pki.PEM, pki.TRADITIONAL))
    root = pki.certificate_of(pki.OTHER_EC_KEY, subject="Amazon Root CA 1", issuer="Amazon Root CA 1")
    (made / "AmazonRootCA1.pem").write_bytes(root.public_bytes(pki.PEM))
    (made / "notes.pem").write_text("nothing that a device needs")
    return made


def test_a_person_is_led_to_a_configured_device_through_every_mistake(desk, folder):
    desk.start({"APPLY": [["wrong_password", "home"]]})
    with desk.terminal("--wait", 1, "--seconds", 1) as person:
        type_the_setup_code(person)
        choose_networks(person)
        give_the_cloud(person, folder)
        person.see("home, guests (open)")
        person.answer("Send?", "")
        person.see("Wrong Wi-Fi password")
        correct_the_password(person)
        person.see("Connecting safely")  # "guests" is not meant any more: what was told of it is forgotten
        person.see("Trying the Wi-Fi “home”")
        person.see("It did not come back within 1 s")
        assert person.wait() == Exit.DONE
    assert [typ for typ, _ in desk.told] == ["SCAN", "CFG", "CERT", "CERT", "APPLY"] * 2
    first, last = [dat for typ, dat in desk.told if typ == "CFG"]
    assert first["networks"] == [{"ssid": "home", "password": "not the one"}, {"ssid": "guests", "password": None}]
    assert last == {
        "networks": [{"ssid": "home", "password": PASSWORD}],
        "aws": {"endpoint": "abc.example", "template": "fleet"},
    }
    assert PASSWORD not in person.text
    assert "not the one" not in person.text


def type_the_setup_code(person):
    person.answer("Setup code", "AAIS-EM2E")
    person.see("8 characters")
    person.answer("Setup code", CODE_TEXT.replace("A", "B", 1))
    person.see("Wrong setup code")
    person.answer("Setup code", CODE_TEXT.lower())
    person.see(NAME)


def choose_networks(person):
    person.see("▂▄▆█ -50 dBm, strong")
    person.see("guests")
    person.answer("Network:", "1")
    person.answer("Password of “home”", "short")
    person.see("5 characters")
    person.answer("Password of “home”", "not the one")
    person.answer("Another network", "y")
    person.answer("Network:", "guests")
    person.answer("Another network", "")


def give_the_cloud(person, folder):
    person.answer("Endpoint:", "https://abc.example")
    person.see("a host name alone")
    person.answer("Endpoint:", "abc.example")
    person.answer("How does it sign in?", "1")
    person.answer("Provisioning template:", "fleet")
    person.answer("Files:", "/not/there.pem")
    person.see("No such file")
    person.answer("Files:", f"'{folder}'")
    person.see("certificate and private key, a pair: thing")
    person.see("trusted root: Amazon Root CA 1")
    person.see("notes.pem was left out")


def correct_the_password(person):
    person.answer("What now? [w]", "")
    person.answer("Network:", "home")
    person.answer("Password of “home”", PASSWORD)
    person.answer("Another network", "n")
    person.answer("Send?", "y")


def test_a_known_device_keeps_what_is_not_asked_for(desk):
    desk.start({"thing": "pump-7", "last": {"code": 14, "message": "A firewall may block the port."}})
    with desk.terminal("--device", NAME, "--code", CODE_TEXT, "--wait", 0) as person:
        person.see("pump-7")
        person.see("Its last attempt failed: Cloud not reached. A firewall may block the port.")
        person.answer("Network:", "hidden one")
        person.answer("Password of “hidden one” (not shown, nothing for an open network):", "")
        person.answer("Another network", "n")
        person.answer("Endpoint:", "")
        person.answer("How does it sign in? [3]", "")
        person.answer("Send?", "")
        assert person.wait() == Exit.DONE
    assert desk.told[-2:] == [("CFG", {"networks": [{"ssid": "hidden one", "password": None}]}), ("APPLY", {})]


def test_a_network_that_it_knows_may_keep_its_password(desk):
    desk.start({"CFG": [["invalid_setting", "networks[0].password", "missing", "the password"]]})
    with desk.terminal("--device", NAME, "--code", CODE_TEXT, "--wait", 0) as person:
        person.answer("Network:", "1")
        person.answer("Password of “home” (not shown, nothing to keep the one it has):", "")
        person.see("It has no password of “home”: type it.")
        person.answer("Password of “home”", "")  # by now it has one
        person.answer("Another network", "n")
        person.answer("Endpoint:", "")
        person.answer("How does it sign in?", "3")
        person.see("home (the password it has)")
        person.answer("Send?", "")
        assert person.wait() == Exit.DONE
    without = ("CFG", {"networks": [{"ssid": "home"}]})
    assert desk.told == [("SCAN", {}), without, without, without, ("APPLY", {})]


def test_no_is_an_answer(desk):
    desk.start()
    with desk.terminal("--device", NAME, "--code", CODE_TEXT) as person:
        person.answer("Network:", "")
        person.answer("Endpoint:", "abc.example")
        person.answer("How does it sign in?", "3")
        person.answer("Send?", "n")
        person.see("Nothing more was sent.")
        assert person.wait() == Exit.DONE
    assert [typ for typ, _ in desk.told] == ["SCAN"]


@pytest.mark.parametrize("prompt", ["Setup code", "Network:", "Watching whether"])
def test_ctrl_c_ends_it_and_the_device_is_free_again(desk, prompt, tmp_path):
    desk.start()
    code = [] if prompt == "Setup code" else ["--code", CODE_TEXT]
    settings = tmp_path / "settings.json"
    settings.write_text('{"networks": [{"ssid": "home", "password": null}]}')
    options = ["--file", settings] if prompt == "Watching whether" else []
    with desk.terminal("--device", NAME, *code, *options) as person:
        person.see(prompt)
        person.interrupt()
        assert person.wait() == (Exit.DONE if options else Exit.INTERRUPTED)
        assert "Traceback" not in person.text
    if not options:
        assert desk.run("--device", NAME, "--code", CODE_TEXT, "--status").exit_code == Exit.DONE


def test_a_reset_is_asked_about(desk):
    desk.start()
    with desk.terminal("--device", NAME, "--code", CODE_TEXT, "--reset", "all") as person:
        person.answer("Sure? [y/N]", "")
        assert person.wait() == Exit.DONE
    assert desk.told == []


def test_who_wants_json_is_not_asked_for_the_code(desk):
    """What is asked would stand in the file that JSON is written to."""
    desk.start()
    with desk.terminal("--device", NAME, "--status", "--json") as person:
        assert person.wait() == Exit.USAGE
    assert "give --code" in person.text
