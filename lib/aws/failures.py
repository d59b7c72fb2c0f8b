"""What the exceptions and refusals of a connection mean: each becomes one of the errors of error_table.py.

The messages and numbers are Mbed TLS's and lwIP's, as MicroPython 1.24 and later pass them on
(extmod/modtls_mbedtls.c, ports/esp32/modsocket.c). Loaded for a failure only: see `explain` in link.py.
"""

import errno
import time

import errors

CUTS = 5  # connections in a row that the cloud has ended for something, until that is taken to be forbidden

_ALERT = 21  # content type of a TLS record
_CONN_EOF = -29312  # MBEDTLS_ERR_SSL_CONN_EOF
_FATAL_ALERT = -30592  # MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE
_CLOSE_NOTIFY = -30848  # MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY
_ALLOC_FAILED = (-32512, -10368, -16256, -19840, -20864, -24960)  # of SSL, X.509, PK, ECP, MD and CIPHER
_LOW_ALLOC_FAILED = (16, 106)  # of MPI and ASN.1: in the low seven bits of another error, or alone and made positive
_EPIPE = 32  # not in MicroPython's errno
_ANSWER_MS = 10000  # in which the cloud surely ends a connection for what it was sent last
_DISCONNECT = 0xE0  # a server says it in MQTT 5; some brokers, such as NanoMQ, in 3.1.1, too
_SOCKET_ERRORS = 256  # below it are the errors of sockets; those of Mbed TLS are larger

# What a handshake fails by that has not come to our certificate: one text, as in error_table.py. The numbers are
# MBEDTLS_ERR_SSL_CONN_EOF, _FATAL_ALERT_MESSAGE, _PEER_CLOSE_NOTIFY, _BAD_PROTOCOL_VERSION, _INVALID_RECORD and
# _BAD_CERTIFICATE, MBEDTLS_ERR_X509_FATAL_ERROR, MBEDTLS_ERR_SSL_BAD_INPUT_DATA, (older) _FEATURE_UNAVAILABLE, and
# ECONNRESET.
_HANDSHAKES = """
-29312 the server closed it: does it speak TLS 1.2?
-30592 the server refused it: does it speak TLS 1.2 with ECDHE and AES, its key RSA or P-256, and is the endpoint right?
-30848 the server ended it: does it speak TLS 1.2 with ECDHE and AES, its key RSA or P-256?
-28288 the server does not speak TLS 1.2
-29184 the server does not speak TLS on this port
-31232 the server's certificate is not one for servers
-12288 the server shows more than 8 certificates above its own
-28928 what the server sent is too large: 16 KB for all its certificates, and for the names of the CAs that it takes
-28800 the server's certificates, or the names of the CAs that it takes, are too large, or come in pieces
104 it was broken off: does the server take one more client, and does a firewall let it through?
"""
# MBEDTLS_ERR_X509_CERT_VERIFY_FAILED: so many verdicts that they did not fit into MicroPython's text.
_ALL_VERDICTS = -9984
_UNREADABLE = (-10751, -8320)  # from, to: what of X.509 Mbed TLS cannot read

# How a connection ends that the other side has closed.
_CLOSED = ("by the other side", "ECONNRESET")

# Several may apply at once; the first of this order is told. A certificate that nobody vouches for says nothing.
_VERDICTS = (
    ("not correctly signed", "server_cert_untrusted"),
    ("the expected CN", "server_cert_wrong_name"),  # what it may be used for may not match, either
    ("has expired", "server_cert_expired"),
    ("starts in the future", "server_cert_not_yet_valid"),
)


def connect_failure(failure, host, port):
    """The error for an exception (OSError, MemoryError) of the TCP connection to host:port before it stood."""
    if isinstance(failure, MemoryError) or failure.errno == errno.ENOMEM:
        return errors.error("no_memory")
    number = failure.errno
    # lwIP on the chip reports a refused connection as a reset one.
    if number in (errno.ECONNREFUSED, errno.ECONNRESET):
        return errors.error("refused", host, port)
    if number == errno.ETIMEDOUT:
        return errors.error("port_blocked", host, port)
    return errors.error("unreachable", host, port, _name(failure))


def tls_failure(failure, link):
    """The error for an exception of the TLS handshake of a `Link`."""
    return handshake_failure(failure, link.host, link.judged, _has_alert(link.raw))


def _has_alert(raw):
    """Whether the server's alert lies unread in the TCP socket: it closed while we were writing."""
    record = bytearray(1)
    try:
        return bool(raw.readinto(record)) and record[0] == _ALERT
    except OSError:
        return False


def handshake_failure(failure, host, judged, alerted):
    """The error for an exception (OSError, ValueError, MemoryError) of the TLS handshake with `host`.

    `judged`: it came after the server's certificate; `alerted`: an alert was found unread in the TCP socket.
    """
    if isinstance(failure, ValueError):
        return _verdict(str(failure), host)
    if isinstance(failure, MemoryError) or _means_no_memory(_number(failure)):
        return errors.error("no_memory")
    number = _FATAL_ALERT if alerted else _number(failure)
    # In TLS 1.2 our certificate follows the server's: the server sends an alert or just closes, so quickly at times
    # that we still write. What else it may dislike it tells before.
    if judged and number in (_FATAL_ALERT, _CLOSE_NOTIFY, _EPIPE, _CONN_EOF, errno.ECONNRESET):
        return errors.error("cert_refused")
    key = "\n%s " % (errno.ECONNRESET if number == _EPIPE else number)
    at = _HANDSHAKES.find(key)
    if at >= 0:
        return errors.error("tls_failed", _HANDSHAKES[at + len(key) : _HANDSHAKES.find("\n", at + 1)])
    if number == _ALL_VERDICTS:
        return errors.error("server_cert_untrusted")
    words = _name(failure)
    if _UNREADABLE[0] <= number <= _UNREADABLE[1]:
        words = "the server's certificate has something that this device does not know: %s" % words
    return errors.error("tls_failed", words)


def _means_no_memory(number):
    if number == errno.ENOMEM or number in _ALLOC_FAILED:
        return True
    return (-number & 127 if number < 0 else number) in _LOW_ALLOC_FAILED


def _verdict(text, host):
    for words, code in _VERDICTS:
        if words in text:
            return errors.error(code, host) if code == "server_cert_wrong_name" else errors.error(code)
    return errors.error("tls_failed", "the server's certificates: " + text.strip().replace("\n", " "))


def connection_failure(failure):
    """The error for an exception (OSError, MemoryError) of a connection that stood."""
    if isinstance(failure, MemoryError) or _number(failure) == errno.ENOMEM:
        return errors.error("no_memory")
    number = _number(failure)
    # So TLS tells the end of the TCP connection when no goodbye of its own came before, and an alert, as of a server
    # that judges our certificate after the handshake.
    closed = number in (_CONN_EOF, _EPIPE, _FATAL_ALERT)
    return errors.error("connection_lost", "by the other side" if closed else _name(failure))


def unexpected_packet(first, size):
    """The error for a packet that has no place in MQTT 3.1.1, or not now."""
    if first == _DISCONNECT:
        return errors.error("connection_lost", "by the other side")
    return errors.error("protocol", "unexpected packet %02x of %d bytes" % (first, size))


def _number(failure):
    """The errno of an OSError. Those of the TCP socket come out of TLS with another sign in MicroPython 1.24."""
    number = failure.errno
    return -number if isinstance(number, int) and -_SOCKET_ERRORS < number < 0 else number


def _name(failure):
    number = _number(failure)
    if len(failure.args) > 1 and number < -_SOCKET_ERRORS:
        return failure.args[1]  # Mbed TLS's own; where there is no memory for it, it gives the number alone
    return errno.errorcode.get(number, "error %s" % number)


def connack_failure(code):
    """The error for a CONNACK with this return code (MQTT 3.1.1, 3.2.2.3; AWS adds 7)."""
    if code == 3:
        return errors.error("server_busy", "CONNACK code 3")
    if code == 1:
        return errors.error("protocol", "CONNACK code 1: it does not take MQTT 3.1.1")
    words = "CONNACK code %d" % code
    if code == 2:
        words += ", the client id, which is the thing's name, was rejected"
    return errors.error("not_authorised", words)


def unanswered_failure(failure):
    """The error for a connection that ended before its CONNACK."""
    # AWS answers a CONNECT that policy or certificate do not allow by closing the connection. A network that goes away
    # ends it in other words.
    if is_closed(failure):
        return errors.error("not_authorised", "closed without CONNACK")
    return failure


def is_closed(failure):
    """Whether the other side has ended the connection, as AWS does for what the policy does not allow."""
    return getattr(failure, "code", None) == "connection_lost" and any(words in failure.message for words in _CLOSED)


def judge(failure, connection):
    """A connection ends: was it for the message whose acknowledgement was the next to come, or for the last of QoS 0?

    It is named, and one for which too many have ended is not sent again: it is `not_authorised`. One that ends before
    its CONNACK may not have led to a broker.
    """
    if not connection.answered:
        _name_stranger(failure, connection._receiver)
    if not connection.ready or not is_closed(failure):
        return
    outbox, now_ms = connection._outbox, time.ticks_ms()
    suspect = outbox.unacknowledged(time.ticks_add(now_ms, 1))
    topic = suspect.topic if suspect is not None else connection.last_topic
    if topic is None or time.ticks_diff(now_ms, connection._spoke_ms) > _ANSWER_MS:
        return
    what = "a message to '%s'" % _text(topic) if isinstance(topic, bytes) else "SUBSCRIBE to '%s'" % _text(topic[0])
    failure.message = failure.message.replace(")", ", after %s)" % what, 1)
    if suspect is None:
        return
    if topic != outbox.suspect:
        outbox.suspect = topic
        outbox.cuts = 0
    outbox.cuts += 1
    if outbox.cuts >= CUTS and suspect.survive:
        outbox.cuts -= 1  # the next one of this topic costs one connection
        outbox.drop(suspect)
        suspect.finish(errors.error("not_authorised", "for " + what))


def stranger():
    """The error for a peer that speaks first, or in plain text: a mail server, or a web server."""
    return errors.error("protocol", "what answers there speaks another one: check endpoint and port")


def _name_stranger(failure, receiver):
    """After an answer in plain text no policy has closed the connection."""
    # In MQTT there is a length among the first three bytes, or the first half of that of a topic.
    if receiver._end > 2 and all(31 < byte < 127 for byte in receiver.buffer[:3]):
        told = stranger()
        failure.code, failure.message = told.code, told.message


def _text(topic):
    try:
        return str(topic, "utf-8")
    except UnicodeError:
        return repr(topic)
