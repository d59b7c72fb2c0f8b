"""What the phone gives over what flash holds over the settings file: merged, kept, read back."""

import json

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

import errors
import settings
from tests.host.pki import EC_CERT, EC_KEY, EC_PEM, OTHER_EC_KEY, PEM, certificate_of, key_bytes

THING = {"role": "thing", "cert": EC_PEM.decode(), "key": key_bytes(EC_KEY, PEM).decode()}
CA = {"role": "ca", "cert": certificate_of(OTHER_EC_KEY, subject="root").public_bytes(PEM).decode()}
FILE = json.dumps(
    {
        "networks": [{"ssid": "factory", "password": "from the file"}],
        "aws": {"endpoint": "file.example", "port": 443, "thing": "of-the-file"},
        "app": {"every_s": 5, "unit": "C"},
        "certs": [CA],
    }
)


def merged(*dats):
    """The document of a phone that sent these CFGs, one after the other."""
    document = {}
    for dat in dats:
        document = settings.merge_cfg(document, dat)
    return document


def through_flash(document):
    """The same after a restart: as the record that flash gives back."""
    secret, bulk = settings.to_record(document)
    return bytes(secret), bytes(bulk)


def load(*dats, candidate=None):
    return settings.load(FILE, through_flash(merged(*dats)), candidate)


def networks(loaded):
    return [(network.ssid, network.password) for network in loaded.networks]


def test_without_a_word_of_the_phone_the_file_counts():
    assert networks(settings.load(FILE)) == [("factory", "from the file")]
    assert settings.load(FILE).app == {"every_s": 5, "unit": "C"}


def test_new_networks_come_first_and_the_files_stay():
    loaded = load({"networks": [{"ssid": "a", "password": "12345678"}, {"ssid": "b", "password": None}]})

    assert networks(loaded) == [("a", "12345678"), ("b", None), ("factory", "from the file")]


def test_network_that_is_known_is_replaced_and_moves_to_the_front():
    loaded = load(
        {"networks": [{"ssid": "a", "password": "12345678"}]},
        {"networks": [{"ssid": "factory", "password": "changed!"}]},
    )

    assert networks(loaded) == [("factory", "changed!"), ("a", "12345678")]


def test_network_without_a_password_keeps_its_own():
    document = merged({"networks": [{"ssid": "a", "password": "12345678"}]}, {"networks": [{"ssid": "a"}]})

    assert document["networks"] == [{"ssid": "a", "password": "12345678"}]


def test_same_network_twice_in_one_message_is_one_the_last():
    twice = [{"ssid": "a", "password": "12345678"}, {"ssid": "a", "password": "87654321"}]

    assert merged({"networks": twice})["networks"] == [{"ssid": "a", "password": "87654321"}]


def test_null_empties_the_list_of_the_file_too():
    assert networks(load({"networks": None})) == []
    assert networks(load({"networks": None}, {"networks": [{"ssid": "a", "password": None}]})) == [("a", None)]


def test_networks_beyond_eight_fall_off_the_end_with_a_warning():
    eight = [{"ssid": f"n{n}", "password": None} for n in range(8)]
    warnings = []
    document = settings.merge_cfg(
        merged({"networks": eight}), {"networks": [{"ssid": "x", "password": None}]}, warnings
    )

    assert [network["ssid"] for network in document["networks"]] == ["x", "n0", "n1", "n2", "n3", "n4", "n5", "n6"]
    assert warnings == ['network "n7" fell off the list: at most 8 are kept']
    assert settings.load(FILE, document).warnings == ['network "factory" fell off the list: at most 8 are kept']


def test_what_the_phone_leaves_out_stays_and_null_takes_it_back_to_the_default():
    loaded = load({"aws": {"endpoint": "phone.example", "thing": None}, "app": {"unit": None, "new": [1]}}, {"aws": {}})

    assert (loaded.aws.endpoint, loaded.aws.port, loaded.aws.thing) == ("phone.example", 443, None)
    assert loaded.app == {"every_s": 5, "new": [1]}
    assert load({"aws": {"port": None}}).aws.port == 8883


def test_null_for_a_whole_field_empties_it():
    loaded = load({"aws": None, "app": None}, {"app": {"a": 1}})

    assert (loaded.aws.endpoint, loaded.aws.port, loaded.aws.thing) == (None, 8883, None)
    assert loaded.app == {"a": 1}


def test_candidate_counts_before_what_is_confirmed():
    candidate = through_flash(merged({"aws": {"endpoint": "new.example"}}))
    loaded = load({"aws": {"endpoint": "old.example", "port": 8443}}, candidate=candidate)

    assert (loaded.aws.endpoint, loaded.aws.port, loaded.aws.thing) == ("new.example", 8443, "of-the-file")


def test_certificate_replaces_the_one_of_its_role_and_outlives_flash():
    document = settings.merge_cert(settings.merge_cert({}, THING), CA)
    document = settings.merge_cert(document, THING)
    loaded = settings.load(FILE, through_flash(document))

    assert [entry["role"] for entry in document["certs"]] == ["thing", "ca"]
    assert (loaded.thing.cert, loaded.thing.key) == (EC_CERT, key_bytes(EC_KEY))
    assert len(loaded.roots) == 1


def test_merging_leaves_the_document_it_was_given_alone():
    document = settings.merge_cert(merged({"networks": [{"ssid": "a", "password": None}], "app": None}), THING)
    before = repr(document)
    settings.merge_cfg(document, {"networks": None, "aws": None, "app": {"x": 1}})
    settings.merge_cert(document, CA)

    assert repr(document) == before


def test_unknown_fields_of_the_phone_are_told():
    warnings = []
    settings.merge_cfg({}, {"netwoks": [], "aws": {"Port": 1}}, warnings)

    assert warnings == [
        "netwoks is not known and was left out, did you mean networks?",
        "aws.Port is not known and was left out, did you mean port?",
    ]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: settings.merge_cfg({}, []), "dat: a list"),
        (lambda: settings.merge_cfg({}, {"networks": [{"ssid": "x"}]}), "networks[0].password: missing"),
        (lambda: settings.merge_cert({}, {"role": "thing", "cert": "x"}), "key: missing"),
        (lambda: settings.merge_cert({}, {**THING, "cert": "x"}), "bad_certificate: thing: the certificate of thing"),
        (lambda: settings.merge_cert({}, {**THING, "cert": CA["cert"]}), "key_mismatch: thing: The private key"),
        (lambda: settings.load(None, (b"no json", b"")), "settings in flash: not readable"),
        (lambda: settings.load(None, (b"{}", b"\xff")), "settings in flash: not readable"),
        (lambda: settings.load(None, (b'{"schema":9}', b"")), "settings_too_new"),
    ],
)
def test_what_cannot_be_merged_is_told(call, words):
    with pytest.raises(errors.PersonError) as caught:
        call()
    assert words in str(caught.value)


def test_document_too_long_for_nvs_is_refused_before_it_is_kept():
    many = [{"ssid": "\x01" * 30 + str(n), "password": "x" * 63} for n in range(8)]

    with pytest.raises(errors.PersonError, match="at most 1536"):
        settings.to_record(merged({"networks": many}))


def test_eight_ordinary_networks_fit():
    many = [{"ssid": "n" * 31 + str(n), "password": "x" * 63} for n in range(8)]
    secret, _ = settings.to_record(merged({"networks": many, "aws": {"endpoint": "x" * 60 + ".example"}}))

    assert len(secret) <= 1536


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NETWORK = st.fixed_dictionaries(
    {}, optional={"ssid": st.text(max_size=34) | JSON, "password": st.none() | st.text(max_size=66) | JSON}
)
CFG = st.fixed_dictionaries(
    {},
    optional={
        "networks": st.none() | st.lists(NETWORK, max_size=9) | JSON,
        "aws": st.none()
        | st.fixed_dictionaries(
            {},
            optional={
                "endpoint": st.sampled_from(["a.b", "1.2.3.4", None]) | JSON,
                "port": st.integers(-1, 70000) | JSON,
                "thing": st.text("az:_-", max_size=5) | JSON,
                "parameters": st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3) | JSON,
            },
        )
        | JSON,
        "app": JSON,
    },
)


@given(st.lists(CFG, max_size=3))
@profile(max_examples=300)
def test_whatever_the_phone_sends_is_merged_or_refused_in_words(dats):
    document = {}
    for dat in dats:
        try:
            document = settings.merge_cfg(document, dat)
        except errors.PersonError as error:
            assert error.code == "invalid_setting"
    try:
        record = settings.to_record(document)
    except errors.PersonError:
        return
    direct, kept = settings.load(FILE, document), settings.load(FILE, record)
    assert networks(direct) == networks(kept)
    assert direct.app == kept.app
    assert (direct.aws.endpoint, direct.aws.port) == (kept.aws.endpoint, kept.aws.port)


@given(JSON | CFG | st.fixed_dictionaries({"limits": JSON, "timeouts": JSON, "servers": JSON, "certs": JSON}))
@profile(max_examples=200)
def test_any_json_as_a_file_loads_or_is_refused_in_words(document):
    try:
        settings.load(json.dumps(document)).missing()
    except errors.PersonError as error:
        assert error.code in ("invalid_setting", "settings_too_new", "bad_certificate")


@given(st.binary(max_size=200), st.binary(max_size=100))
@profile(max_examples=200)
def test_any_bytes_as_file_or_record_are_refused_in_words(data, bulk):
    for call in (lambda: settings.load(data), lambda: settings.load(None, (data, bulk))):
        try:
            call()
        except errors.PersonError as error:
            assert error.code == "invalid_setting"
