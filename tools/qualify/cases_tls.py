"""TLS: what the device takes, and what it must not take."""

from tools.qualify.case import Failed, case, require

# What AWS IoT Core lists for TLS 1.2 (security policy IotSecurityPolicy_TLS12_1_2_2022_10), by OpenSSL's names.
AWS_SUITES = {
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-RSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA",
    "ECDHE-ECDSA-AES256-SHA", "AES128-GCM-SHA256", "AES128-SHA256", "AES128-SHA", "AES256-GCM-SHA384",
    "AES256-SHA256", "AES256-SHA", "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
}  # fmt: skip
_QUIET_S = 6  # in which a device that took a bad certificate would have sent its CONNECT
_FRAGMENT = 16000  # of payload: with its MQTT header one TLS record, nearly as large as records may be


@case("TLS", "Connect", partner=True, short=True)
def connect(bench, evidence):
    bench.start()
    version, suite = bench.watch.wait_for("CONNECT", bench.patience_s())["tls"]
    require(version in ("TLSv1.2", "TLSv1.3"), f"it speaks {version}")
    evidence(f"{version}, {suite}, with the client certificate of its thing")


@case("TLS", "Support_AWS_IoT_Cipher_Suites", partner=True, short=True)
def cipher_suites(bench, evidence):
    bench.start()
    _, suite = bench.watch.wait_for("CONNECT", bench.patience_s())["tls"]
    require(suite in AWS_SUITES, f"it chose {suite}, which AWS IoT does not list")
    evidence(f"of AWS IoT's suites it shares {suite}")


@case("TLS", "Receive_Maximum_Size_Fragments", partner=True)
def fragments(bench, evidence):
    bench.start()
    bench.watch.wait_for("SUBSCRIBE", bench.patience_s(), where=_is_own)
    place, payload = bench.watch.now(), b"x" * _FRAGMENT
    bench.say(payload)
    bench.wait_until_taken(payload, since=place)
    bench.watch.wait_for("PUBLISH", bench.patience_s(), since=place)
    require(not bench.watch.since(place, "disconnected"), "it lost the connection over a TLS record of 16 KB")
    evidence(f"a message of {_FRAGMENT} bytes in one TLS record was acknowledged, the connection went on")


@case("TLS", "Large_Size_Server_Cert", partner=True)
def large_certificate(bench, evidence):
    bench.faults.certificate = "large"
    bench.start()
    bench.watch.wait_for("CONNECT", bench.patience_s())
    evidence("it took a chain of three certificates of about 10 KB in one handshake message")


def _refuses(fault):
    def run(bench, evidence):
        bench.faults.certificate = fault
        bench.start()
        failure = bench.watch.wait_for("handshake_failed", bench.patience_s())
        bench.watch.pause(_QUIET_S)
        if bench.watch.since(0, "CONNECT"):
            raise Failed("it sent its CONNECT to a server that showed a bad certificate")
        reason = failure["reason"]
        evidence(f"it ended the handshake: {reason}")
        if "alert" not in reason.lower():
            evidence.warn("without a TLS alert, which AWS recommends")

    return run


case("TLS", "Unsecure_Server_Cert", partner=True)(_refuses("untrusted"))
case("TLS", "Incorrect_Subject_Name_Server_Cert", partner=True, short=True)(_refuses("wrong_name"))
case("TLS", "Expired_Server_Cert", partner=True)(_refuses("expired"))


def _is_own(seen):
    return any(name.startswith("devices/") for name in seen["filters"])
