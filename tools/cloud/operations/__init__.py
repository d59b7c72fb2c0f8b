"""The operations of the REST control plane, one file for each area. A new file is listed here."""

from tools.cloud.operations import (
    authorization,
    catalog,
    certificates,
    connections,
    data,
    endpoint,
    events,
    job_executions,
    job_templates,
    jobs,
    jobs_data,
    policies,
    principals,
    shadows,
    tags,
    templates,
    thing_groups,
    things,
    types,
)

__all__ = [
    "authorization",
    "certificates",
    "connections",
    "data",
    "endpoint",
    "events",
    "find_operation",
    "job_executions",
    "job_templates",
    "jobs",
    "jobs_data",
    "policies",
    "principals",
    "shadows",
    "tags",
    "templates",
    "thing_groups",
    "things",
    "types",
]

find_operation = catalog.find_operation
