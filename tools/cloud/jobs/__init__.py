"""AWS IoT Jobs: `jobs` and their `executions`, what devices are told (`pending`), `service` is MQTT."""
