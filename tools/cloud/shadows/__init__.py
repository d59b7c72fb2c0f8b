"""Device shadows, classic and named: `state` merges, `updates` reads requests, `shadows` keeps, `service` is MQTT."""
