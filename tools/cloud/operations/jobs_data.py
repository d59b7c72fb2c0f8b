"""Jobs as a device sees them, over HTTP (`iot-jobs-data`)."""

from __future__ import annotations

from tools.cloud.operations.catalog import operation
from tools.cloud.operations.desk import Desk


@operation("iot-jobs-data", "GetPendingJobExecutions")
def get_pending_job_executions(desk: Desk, request: dict) -> dict:
    return desk.registry.jobs_data.pending(request)


@operation("iot-jobs-data", "StartNextPendingJobExecution")
def start_next_pending_job_execution(desk: Desk, request: dict) -> dict:
    return desk.registry.jobs_data.start_next(request)


@operation("iot-jobs-data", "DescribeJobExecution")
def describe_job_execution(desk: Desk, request: dict) -> dict:
    return desk.registry.jobs_data.describe(request)


@operation("iot-jobs-data", "UpdateJobExecution")
def update_job_execution(desk: Desk, request: dict) -> dict:
    return desk.registry.jobs_data.update(request)
