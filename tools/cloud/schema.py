"""The tables of the local AWS IoT, in steps: a store of an older version takes the steps that it has not yet taken.

A step that was released is never changed; what comes later is a new one.
"""

from __future__ import annotations

_REGISTRY = """
CREATE TABLE thing_types (
    name TEXT PRIMARY KEY, id TEXT NOT NULL, properties TEXT NOT NULL, created_at REAL NOT NULL, deprecated_at REAL);
CREATE TABLE things (
    name TEXT PRIMARY KEY, id TEXT NOT NULL, type_name TEXT REFERENCES thing_types(name),
    attributes TEXT NOT NULL, version INTEGER NOT NULL);
CREATE TABLE certificates (
    id TEXT PRIMARY KEY, pem TEXT NOT NULL, status TEXT NOT NULL, mode TEXT NOT NULL,
    created_at REAL NOT NULL, changed_at REAL NOT NULL, version INTEGER NOT NULL,
    claim_template TEXT, claim_expires_at REAL);
CREATE TABLE policies (
    name TEXT PRIMARY KEY, default_version INTEGER NOT NULL, last_version INTEGER NOT NULL,
    created_at REAL NOT NULL, changed_at REAL NOT NULL);
CREATE TABLE policy_versions (
    policy TEXT NOT NULL REFERENCES policies(name) ON DELETE CASCADE, version INTEGER NOT NULL,
    document TEXT NOT NULL, created_at REAL NOT NULL, PRIMARY KEY (policy, version));
CREATE TABLE attached_policies (
    policy TEXT NOT NULL REFERENCES policies(name), certificate TEXT NOT NULL REFERENCES certificates(id),
    PRIMARY KEY (policy, certificate));
CREATE TABLE thing_principals (
    thing TEXT NOT NULL REFERENCES things(name), certificate TEXT NOT NULL REFERENCES certificates(id),
    type TEXT NOT NULL, PRIMARY KEY (thing, certificate));
CREATE TABLE templates (
    name TEXT PRIMARY KEY, description TEXT NOT NULL, enabled INTEGER NOT NULL, role TEXT NOT NULL,
    type TEXT NOT NULL, default_version INTEGER NOT NULL, last_version INTEGER NOT NULL,
    created_at REAL NOT NULL, changed_at REAL NOT NULL);
CREATE TABLE template_versions (
    template TEXT NOT NULL REFERENCES templates(name) ON DELETE CASCADE, version INTEGER NOT NULL,
    body TEXT NOT NULL, created_at REAL NOT NULL, PRIMARY KEY (template, version));
CREATE TABLE ownership_tokens (
    digest TEXT PRIMARY KEY, certificate TEXT NOT NULL REFERENCES certificates(id) ON DELETE CASCADE,
    expires_at REAL NOT NULL);
CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
# Shadows need no thing in the registry. A deleted one keeps its version for a while: `state` is NULL then.
_SHADOWS = """
CREATE TABLE shadows (
    thing TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, state TEXT, metadata TEXT,
    changed_at REAL NOT NULL, PRIMARY KEY (thing, name));
"""
# `config` holds AWS's ...Config structures and parameters as JSON; times are Unix seconds. Executions name their thing
# without a reference: they outlive it.
_JOBS = """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, document TEXT NOT NULL, selection TEXT NOT NULL, status TEXT NOT NULL,
    force_canceled INTEGER NOT NULL DEFAULT 0, reason_code TEXT, comment TEXT, config TEXT NOT NULL,
    created_at REAL NOT NULL, changed_at REAL NOT NULL, completed_at REAL);
CREATE TABLE job_targets (
    job TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE, arn TEXT NOT NULL, PRIMARY KEY (job, arn));
CREATE TABLE job_executions (
    sequence INTEGER PRIMARY KEY, job TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE, thing TEXT NOT NULL,
    number INTEGER NOT NULL, status TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 1,
    details TEXT NOT NULL DEFAULT '{}', force_canceled INTEGER NOT NULL DEFAULT 0, retry INTEGER NOT NULL DEFAULT 0,
    queued_at REAL NOT NULL, started_at REAL, changed_at REAL NOT NULL, times_out_at REAL, step_times_out_at REAL,
    UNIQUE (job, thing, number));
CREATE INDEX job_executions_of_things ON job_executions (thing, status);
CREATE TABLE job_waiting (
    sequence INTEGER PRIMARY KEY, job TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE, thing TEXT NOT NULL,
    UNIQUE (job, thing));
"""
# What the broker remembers. `left_at` is NULL while a client is connected; a message with an identifier was sent once.
_BROKER = """
CREATE TABLE retained (topic TEXT PRIMARY KEY, payload BLOB NOT NULL, qos INTEGER NOT NULL, changed_at REAL NOT NULL);
CREATE TABLE sessions (client_id TEXT PRIMARY KEY, subscriptions TEXT NOT NULL, left_at REAL);
CREATE TABLE session_messages (
    sequence INTEGER PRIMARY KEY, client_id TEXT NOT NULL REFERENCES sessions(client_id) ON DELETE CASCADE,
    topic TEXT NOT NULL, payload BLOB NOT NULL, packet_id INTEGER);
CREATE INDEX messages_of_sessions ON session_messages (client_id);
"""
_GROUPS = """
CREATE TABLE thing_groups (
    name TEXT PRIMARY KEY, id TEXT NOT NULL, parent TEXT REFERENCES thing_groups(name), description TEXT,
    attributes TEXT NOT NULL, version INTEGER NOT NULL, created_at REAL NOT NULL);
CREATE TABLE group_members (
    group_name TEXT NOT NULL REFERENCES thing_groups(name) ON DELETE CASCADE,
    thing TEXT NOT NULL REFERENCES things(name) ON DELETE CASCADE, PRIMARY KEY (group_name, thing));
CREATE TABLE job_templates (
    id TEXT PRIMARY KEY, document TEXT NOT NULL, config TEXT NOT NULL, created_at REAL NOT NULL);
"""
_HOOKS = """
ALTER TABLE templates ADD COLUMN hook TEXT;
"""
_EVENTS = """
CREATE TABLE event_kinds (kind TEXT PRIMARY KEY);
"""
_FLEETS = """
CREATE INDEX job_executions_of_jobs ON job_executions (job, status);
"""

_GROUP_POLICIES = """
CREATE TABLE group_policies (
    policy TEXT NOT NULL REFERENCES policies(name),
    group_name TEXT NOT NULL REFERENCES thing_groups(name) ON DELETE CASCADE,
    PRIMARY KEY (policy, group_name));
"""
_TAGS = """
CREATE TABLE tags (arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (arn, key));
"""
# NULL: of a session that was kept before its time was; it has that of MQTT 3.1.1.
_SESSION_EXPIRY = """
ALTER TABLE sessions ADD COLUMN expiry_s REAL;
"""
# NULL: it does not expire. `carried` are its properties of MQTT 5, encoded.
_RETAINED_EXPIRY = """
ALTER TABLE retained ADD COLUMN expires_at REAL;
ALTER TABLE retained ADD COLUMN carried BLOB NOT NULL DEFAULT x'';
"""
_SESSION_VERSION = """
ALTER TABLE sessions ADD COLUMN mqtt_5 INTEGER NOT NULL DEFAULT 0;
"""
# As for those that are retained.
_STORED_EXPIRY = """
ALTER TABLE session_messages ADD COLUMN expires_at REAL;
ALTER TABLE session_messages ADD COLUMN carried BLOB NOT NULL DEFAULT x'';
"""
STEPS = (
    *(_REGISTRY, _SHADOWS, _JOBS, _BROKER, _GROUPS, _HOOKS, _EVENTS, _FLEETS, _GROUP_POLICIES, _TAGS),
    *(_SESSION_EXPIRY, _RETAINED_EXPIRY, _SESSION_VERSION, _STORED_EXPIRY),
)
