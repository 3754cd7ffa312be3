"""What happens around a job's work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs.config import VARIABLE, Misconfigured
from jobs.lease import Lease, Lost
from jobs.run import Done, HandOver, Job, JobFailed, Outcome, handler_of
from tests.support.lambda_stage import STATE, Context, LambdaStage

DUE = "2026-11-30T17:00:00Z"
RUN = "20261130T170000Z"


def quiet(job: Job) -> Outcome:
    return Done({"seen": job.config.task})


def fails(job: Job) -> Outcome:
    raise JobFailed("main: is too large. fix: split it, says owner@example.com")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_run_leaves_a_record_lines_and_a_heartbeat(stage: LambdaStage, capsys: pytest.CaptureFixture[str]) -> None:
    answer = stage.call(handler_of(quiet), "backup", DUE)
    assert answer == {"status": "done", "run": RUN, "summary": {"seen": "backup"}}
    record = stage.record("backup", RUN)
    assert (record["status"], record["summary"], record["part"]) == ("done", {"seen": "backup"}, 1)
    assert stage.metric("JobHeartbeat", task="backup") == [1]
    (line,) = lines(capsys)
    assert line["message"] == "backup is done, due 2026-12-01 02:00 JST"
    for member in (
        "level",
        "message",
        "timestamp",
        "service",
        "environment",
        "release",
        "category",
        "pid",
        "host",
        "runtime",
    ):
        assert line[member], member


def test_a_failure_is_recorded_and_raised_again(stage: LambdaStage, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(JobFailed):
        stage.call(handler_of(fails), "backup", DUE)
    record = stage.record("backup", RUN)
    assert record["status"] == "failed"
    assert record["error"]["name"] == "JobFailed"
    assert "main: is too large" in record["error"]["message"]
    assert stage.metric("JobHeartbeat", task="backup") == []
    (line,) = lines(capsys)
    assert (line["level"], line["error"]["name"]) == ("error", "JobFailed")
    assert "fails" in line["error"]["stack"]
    assert "owner@example.com" not in json.dumps([line, record])
    assert stage.call(handler_of(quiet), "backup", DUE)["status"] == "done"  # Lambda's second try


def test_what_aws_delivers_twice_is_done_once(stage: LambdaStage) -> None:
    done = list[str]()

    def work(job: Job) -> Outcome:
        done.append(job.run)
        return Done()

    for _ in range(2):
        assert stage.call(handler_of(work), "backup", DUE)["status"] == "done"
    assert done == [RUN]


def test_a_second_run_says_busy_and_does_not_fail(stage: LambdaStage) -> None:
    other = "2026-11-30T18:00:00Z"

    def work(job: Job) -> Outcome:
        assert stage.call(handler_of(quiet), "backup", other)["status"] == "busy"
        assert stage.call(handler_of(quiet), "backup", DUE)["status"] == "busy"
        assert stage.call(handler_of(quiet), "bookmark", DUE)["status"] == "done"
        return Done()

    assert stage.call(handler_of(work), "backup", DUE)["status"] == "done"
    assert stage.record("backup", "20261130T180000Z")["status"] == "busy"
    assert stage.record("backup", RUN)["status"] == "done"


def part(job: Job) -> Outcome:
    done = [*(job.cursor or {"done": []})["done"], job.run]
    return Done({"done": done}) if len(done) == 3 else HandOver({"done": done})


def test_a_run_near_its_end_goes_on_where_it_left_off(stage: LambdaStage) -> None:
    handler = handler_of(part)
    assert stage.call(handler, "backup", DUE)["status"] == "handed-over"
    assert stage.call(handler, "backup", event=stage.invocations.events[0])["status"] == "handed-over"
    assert stage.metric("JobHeartbeat", task="backup") == []
    last = stage.call(handler, "backup", event=stage.invocations.events[1])
    assert last == {"status": "done", "run": RUN, "summary": {"done": [RUN] * 3}}
    assert len(stage.invocations.events) == 2
    assert stage.record("backup", RUN)["part"] == 3


def test_nobody_else_runs_between_two_parts(stage: LambdaStage) -> None:
    handler = handler_of(part)
    stage.call(handler, "backup", DUE)
    assert stage.call(handler, "backup", "2026-11-30T18:00:00Z")["status"] == "busy"
    assert stage.call(handler, "backup", event=stage.invocations.events[0])["status"] == "handed-over"


def test_a_part_that_finds_another_run_at_it_fails_because_nobody_would_do_the_rest(stage: LambdaStage) -> None:
    handler = handler_of(part)
    stage.call(handler, "backup", DUE)
    stage.s3.delete_object(Bucket=STATE, Key="jobs/leases/backup")

    def work(job: Job) -> Outcome:
        with pytest.raises(Exception, match="20261130T180000Z is under way"):
            stage.call(handler, "backup", event=stage.invocations.events[0])
        return Done()

    stage.call(handler_of(work), "backup", "2026-11-30T18:00:00Z")


def test_an_invocation_that_could_not_be_asked_for_is_a_failure_and_tried_again(stage: LambdaStage) -> None:
    stage.invocations.fails = ConnectionError("no answer")
    handler = handler_of(part)
    with pytest.raises(ConnectionError):
        stage.call(handler, "backup", DUE)
    assert stage.record("backup", RUN)["status"] == "failed"
    stage.invocations.fails = None
    assert stage.call(handler, "backup", DUE)["status"] == "handed-over"
    assert len(stage.invocations.events) == 1


def test_a_part_that_was_killed_before_it_told_the_next_is_told_again(
    stage: LambdaStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Nothing runs any more after this."""

    handler = handler_of(part)
    with monkeypatch.context() as broken:
        broken.setattr(stage.invocations, "fails", Killed())
        broken.setattr(Lease, "take_back", lambda self: None)
        with pytest.raises(Killed):
            stage.call(handler, "backup", DUE)
    record = stage.record("backup", RUN)
    record.update(status="handed-over", cursor={"done": [RUN]})  # what it had written when it was killed
    stage.s3.put_object(Bucket=STATE, Key=f"jobs/runs/backup/{RUN}.json", Body=json.dumps(record).encode())
    assert stage.call(handler_of(fails), "backup", DUE) == {"status": "handed-over", "run": RUN}
    assert [each["cursor"] for each in stage.invocations.events] == [{"done": [RUN]}]


def test_whoever_lost_its_task_does_not_write_over_the_other_run_s_record(stage: LambdaStage) -> None:
    def loses(job: Job) -> Outcome:
        stage.s3.put_object(Bucket=STATE, Key=f"jobs/runs/backup/{RUN}.json", Body=b'{"status": "done"}')
        raise Lost("another has it")

    with pytest.raises(Lost):
        stage.call(handler_of(loses), "backup", DUE)
    assert stage.record("backup", RUN) == {"status": "done"}


def test_a_job_that_was_told_nothing_says_so_in_its_log(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(Misconfigured):
        handler_of(quiet)({}, Context())
    (line,) = lines(capsys)
    assert (line["level"], line["message"]) == ("error", "a job cannot begin")


@pytest.mark.parametrize("scheduled", ["<aws.scheduler.scheduled-time>", "2026-11-30T17:00:00", "soon"])
def test_a_time_that_is_none_is_refused(stage: LambdaStage, scheduled: str) -> None:
    with pytest.raises(JobFailed, match="no time with a zone"):
        stage.call(handler_of(quiet), "backup", scheduled)


def test_a_run_by_hand_is_due_now(stage: LambdaStage) -> None:
    answer = stage.call(handler_of(quiet), "backup")
    assert stage.record("backup", answer["run"])["status"] == "done"


def test_the_work_is_told_how_much_time_is_left(stage: LambdaStage) -> None:
    seen = list[float]()

    def work(job: Job) -> Outcome:
        seen.append(job.remaining_seconds())
        return Done()

    stage.call(handler_of(work), "backup", DUE, context=Context(left=12.5))
    assert seen == [12.5]
