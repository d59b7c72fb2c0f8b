"""The store: what is told after a change, folders of older versions, and that jobs outlive a restart."""

import json
import sqlite3

import pytest

from tests.host.cloud_control import WallClock
from tools.cloud import LocalCloud
from tools.cloud.schema import STEPS
from tools.cloud.store import FILE_NAME, Store


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path)
    yield store
    store.close()


def test_what_is_told_is_told_after_the_change_is_stored(store, tmp_path):
    seen = []

    def look():
        with sqlite3.connect(tmp_path / FILE_NAME) as another:
            seen.append(another.execute("SELECT count(*) FROM notes WHERE key = 'a'").fetchone()[0])

    with store.transaction():
        with store.transaction():
            store.execute("INSERT INTO notes VALUES ('a', '1')")
            store.afterwards(look)
        assert seen == [], "the outer one decides"
    assert seen == [1]
    store.afterwards(look)
    assert seen == [1, 1], "outside of a change it is told at once"


def test_what_did_not_happen_is_not_told(store):
    told = []
    with pytest.raises(RuntimeError), store.transaction():
        store.afterwards(lambda: told.append("it"))
        raise RuntimeError
    with store.transaction():
        pass
    assert told == []


@pytest.mark.parametrize("version", range(1, len(STEPS)))
def test_a_folder_of_an_older_version_goes_on(tmp_path, version):
    with sqlite3.connect(tmp_path / FILE_NAME) as old:
        for step in STEPS[:version]:
            old.executescript(step)
        old.execute("INSERT INTO things VALUES ('lamp', 'id', NULL, '{}', 1)")
        old.execute(f"PRAGMA user_version = {version}")
    with LocalCloud(tmp_path, fast_keys=True) as cloud:
        iot = cloud.iot()
        target = iot.describe_thing(thingName="lamp")["thingArn"]
        iot.create_job(jobId="j", targets=[target], document="{}")
        assert iot.describe_job(jobId="j")["job"]["status"] == "IN_PROGRESS"


def test_jobs_go_on_after_a_restart(tmp_path):
    clock = WallClock()
    with LocalCloud(tmp_path, fast_keys=True, now=clock) as cloud:
        iot, data = cloud.iot(), cloud.iot_jobs_data()
        targets = [iot.create_thing(thingName=f"t{number}")["thingArn"] for number in range(3)]
        document = json.dumps({"a": 1})
        rollout = {"maximumPerMinute": 1}
        timeout = {"inProgressTimeoutInMinutes": 2}
        iot.create_job(
            jobId="j",
            targets=targets,
            document=document,
            jobExecutionsRolloutConfig=rollout,
            timeoutConfig=timeout,
        )
        data.start_next_pending_job_execution(thingName="t0", statusDetails={"step": "1"})
    clock.advance(61)
    with LocalCloud(tmp_path, fast_keys=True, now=clock) as cloud:
        cloud.sweep()
        data = cloud.iot_jobs_data()
        resumed = data.start_next_pending_job_execution(thingName="t0")["execution"]
        assert (resumed["statusDetails"], resumed["versionNumber"]) == ({"step": "1"}, 2)
        assert json.loads(resumed["jobDocument"]) == {"a": 1}
        assert data.get_pending_job_executions(thingName="t1")["queuedJobs"]
        assert not data.get_pending_job_executions(thingName="t2")["queuedJobs"]
        clock.advance(61)
        cloud.sweep()
        counts = cloud.iot().describe_job(jobId="j")["job"]["jobProcessDetails"]
        assert (counts["numberOfTimedOutThings"], counts["numberOfQueuedThings"]) == (1, 2)
