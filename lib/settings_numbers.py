"""The numbers in settings: what each is unless it is given, and its limits."""

# Name, default, least, most; the comment is the meaning, and goes into docs/settings.md as it is.
LIMITS = (
    ("receive_buffer", 6144, 5120, 135168),  # bytes of the largest MQTT message that is taken; larger ones are skipped
    ("ring", 16, 1, 256),  # messages without a handler that wait in `aws.messages`
    ("window", 10, 1, 100),  # QoS 1 messages on their way without an acknowledgement
    ("publishes_per_s", 100, 0, 100),  # messages sent a second; 0 switches the limit off (benchmarks only)
    ("bytes_per_s", 524288, 0, 524288),  # bytes sent a second; 0 switches the limit off (benchmarks only)
    ("download", 65536, 1024, 1048576),  # bytes of the largest file that a job may bring
    ("log", 1024, 0, 2048),  # bytes of the last lines of the console that outlive a crash, in RTC memory; 0: none
    ("outbox_messages", 32, 0, 1000),  # QoS 1 messages that are kept to be sent later; 0: none
    ("outbox_bytes", 8192, 64, 1048576),  # bytes of all of them together, topics included
    ("starts", 5, 1, 100),  # starts in a row that may fail before the application is left out
    ("update_tries", 8, 1, 100),  # connections of a download that bring nothing before the update is given up
    ("update_starts", 5, 1, 50),  # starts of the download, each cut short, before the update is given up
    ("trials", 3, 1, 10),  # trials of a new image that may be cut short by no fault of its own
)
TIMEOUTS = (
    ("join_s", 15, 3, 120),  # to join a Wi-Fi network
    ("address_s", 15, 3, 120),  # to get an address once joined
    ("dns_s", 5, 1, 60),  # for a name server's answer
    ("ntp_s", 5, 1, 60),  # for a time server's answer
    ("connect_s", 15, 3, 120),  # for the TCP connection and, again, for the TLS handshake
    ("connack_s", 6, 2, 60),  # for the cloud's answer to CONNECT
    ("ack_s", 6, 2, 60),  # for an acknowledgement before a message is sent again
    ("keepalive_s", 60, 30, 1200),  # the longest silence towards the cloud
    ("stable_s", 30, 5, 600),  # a connection that lasted this long lets the waits between attempts begin small again
    ("backoff_s", 2, 1, 60),  # the upper end of the first random wait between attempts to connect; it doubles
    ("backoff_cap_s", 300, 10, 3600),  # the longest wait of these, and between starts that do not last
    ("refused_s", 60, 1, 3600),  # added to the wait when the cloud has refused the claim, which no retry can change
    ("drain_s", 5, 1, 60),  # to send what still waits before a restart
    ("start_uptime_s", 60, 10, 3600),  # a start that stayed up this long was a good one
    ("config_s", 300, 5, 86400),  # CONFIG that was asked for ends by itself after this long without a phone
    ("candidate_s", 120, 5, 600),  # new settings with which the cloud is not reached in this time lead back to CONFIG
    ("offline_s", 900, 10, 86400),  # without the cloud for this long CONFIG opens for a while: see modes.md
    ("job_jitter_s", 5, 0, 3600),  # the upper end of the random wait before a job is taken: the fleet may get it, too
    ("job_step_s", 3600, 60, 604800),  # the cloud gives a job up when it hears nothing of it for this long
    ("update_s", 3600, 60, 86400),  # for an update's download, with all its interruptions
    ("stall_s", 20, 2, 120),  # without a byte of the download before it goes on where it was, over a new connection
    ("trial_s", 300, 10, 3600),  # for a new image to reach the cloud and be well; then it goes back to the one before
    ("settle_s", 10, 0, 600),  # that a new image must have been connected before it may be found well
    ("watchdog_s", 60, 30, 600),  # without a sign of life of every task for this long, the chip is reset
)
PINS = (
    ("button", None, 0, 48),  # GPIO of the button that, held at start, asks for CONFIG; null: none
)
