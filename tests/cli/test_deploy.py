"""`bulkhead deploy`, as a person and a workflow meet it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bulkhead.cli.main import main
from bulkhead.delivery.journal import RESTORE, Outcome
from bulkhead.delivery.plan import Plan
from bulkhead.machine.owner import this_process
from bulkhead.model.access import KEY_ID, KEY_SECRET
from tests.support.checkout import work_in
from tests.support.cloudflare_api import TOKEN
from tests.support.deploy_scene import DeployScene

ALIVE = replace(this_process(), user="alice", host="laptop")
Deploy = Callable[..., tuple[int, str, str]]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeployScene]:
    scene = DeployScene(tmp_path, monkeypatch)
    yield scene
    scene.close()


@pytest.fixture
def deploy(scene: DeployScene, capsys: pytest.CaptureFixture[str]) -> Deploy:
    def call(*arguments: str) -> tuple[int, str, str]:
        return scene.run(capsys, *arguments)

    return call


# --- what is shown, and what is done of it


def test_a_plan_for_people_says_what_moves_and_what_cannot_be_undone_and_does_nothing(
    scene: DeployScene, deploy: Deploy
) -> None:
    live = scene.stands()
    commit = scene.change()
    scene.migration("0002_boats.sql", "CREATE TABLE boats (id INTEGER PRIMARY KEY);")
    scene.previews("new")
    code, out, err = deploy("--plan")
    assert (code, err) == (0, "")
    for told in (f"live is {live}", "change web", "web: ", "0002_boats.sql (expand)", "stays when the code goes back"):
        assert told in out
    assert commit[:12] in out
    assert scene.percent(live) == 100
    assert scene.runs() == []
    assert not any(" up " in asked for asked in scene.pulumi.asked)


def test_while_a_restore_has_no_end_nothing_is_asked_or_deployed(scene: DeployScene, deploy: Deploy) -> None:
    live = scene.stands()
    scene.change()
    scene.previews("new")
    with (restoring := scene.journal().of(RESTORE)).held():
        restoring.begin({"plan": {}}).note("maintenance")
    code, out, err = deploy("--yes", "staging")
    assert code == 1
    assert "bulkhead restore staging STORE continues or returns it" in err
    assert "Asking Pulumi" not in out
    assert (scene.percent(live), scene.runs()) == (100, [])


def test_a_plan_for_programs_is_a_plan_that_can_be_applied(scene: DeployScene, deploy: Deploy, tmp_path: Path) -> None:
    scene.stands()
    scene.change()
    scene.previews("new")
    code, out, _ = deploy("--plan", "--json")
    assert code == 0
    file = tmp_path / "plan.json"
    file.write_text(out)
    code, out, err = deploy("--apply", str(file), "--yes", "staging", "--json")
    assert code == 0, err
    assert json.loads(out)["outcome"] == "done"
    assert scene.percent("new") == 100
    assert scene.published == 2, "after each up"


def test_a_plan_is_applied_as_it_was_shown_or_not_at_all(scene: DeployScene, deploy: Deploy, tmp_path: Path) -> None:
    live = scene.stands()
    scene.change()
    scene.previews("new")
    file = tmp_path / "plan.json"
    file.write_text(deploy("--plan", "--json")[1])
    scene.change("export default {}; // yet another\n")
    code, _, err = deploy("--apply", str(file), "--yes", "staging")
    assert code == 1
    assert "The plan is no longer what would be done" in err
    assert "commit" in err
    assert scene.percent(live) == 100
    assert scene.runs() == []


@pytest.mark.parametrize("text", ["", "[]", "{}", "not JSON"])
def test_what_is_no_plan_is_refused(scene: DeployScene, deploy: Deploy, tmp_path: Path, text: str) -> None:
    scene.stands()
    file = tmp_path / "plan.json"
    file.write_text(text)
    code, _, err = deploy("--apply", str(file), "--yes", "staging")
    assert code == 1
    assert f"{file}: is no plan of a deployment" in err
    assert "Traceback" not in err


def test_a_plan_that_was_changed_by_hand_or_is_of_another_stage_is_refused(
    scene: DeployScene, deploy: Deploy, tmp_path: Path
) -> None:
    scene.stands()
    scene.change()
    scene.previews("new")
    shown, file = json.loads(deploy("--plan", "--json")[1]), tmp_path / "plan.json"
    file.write_text(json.dumps({**shown, "commit": "f" * 40}))
    assert "was changed after it was made" in deploy("--apply", str(file), "--yes", "staging")[2]
    assert deploy("--apply", str(tmp_path / "none.json"), "--yes", "staging")[0] == 1
    assert scene.runs() == []


def test_plan_and_apply_exclude_each_other(deploy: Deploy, tmp_path: Path) -> None:
    code, _, err = deploy("--plan", "--apply", str(tmp_path / "plan.json"))
    assert code == 1
    assert "leave one of them out" in err


def test_a_yes_to_another_stage_is_no_yes_and_nobody_is_asked_anything(scene: DeployScene, deploy: Deploy) -> None:
    code, _, err = deploy("--yes", "production")
    assert code == 1
    assert "production" in err
    assert scene.pulumi.asked == []


def test_without_a_person_and_without_a_yes_nothing_is_done(scene: DeployScene, deploy: Deploy) -> None:
    scene.stands()
    scene.change()
    scene.previews("new")
    code, _, err = deploy()
    assert code == 1
    assert "--yes staging" in err
    assert scene.runs() == []


# --- what there may be to do


def test_an_unchanged_stage_has_nothing_to_do(scene: DeployScene, deploy: Deploy) -> None:
    scene.stands()
    code, out, err = deploy("--yes", "staging")
    assert (code, err) == (0, "")
    assert "There is nothing to do." in out
    assert json.loads(deploy("--yes", "staging", "--json")[1])["outcome"] == "nothing"
    assert scene.runs() == []


def test_a_first_deployment_serves_at_once(scene: DeployScene, deploy: Deploy) -> None:
    scene.previews("first")
    code, out, err = deploy("--yes", "staging")
    assert (code, err) == (0, "")
    assert "web: nothing before" in out
    assert scene.percent("first") == 100
    assert "everybody has the new version" in out
    assert scene.runs()[0].ended is Outcome.DONE


def test_a_release_reaches_everybody_and_says_of_which_commit_it_is(scene: DeployScene, deploy: Deploy) -> None:
    scene.stands()
    commit = scene.change()
    scene.previews("new")
    code, out, err = deploy("--yes", "staging")
    assert (code, err) == (0, "")
    assert "staging: everybody has the new version." in out
    assert scene.percent("new") == 100
    assert scene.message().startswith(commit[:12])
    assert f"live is {commit[:12]}" in deploy("--plan")[1]


def test_what_goes_now_is_sent_to_everybody_and_shown_to_no_share(scene: DeployScene, deploy: Deploy) -> None:
    scene.stands()
    scene.change()
    scene.previews("new")
    assert deploy("--yes", "staging", "--now")[0] == 0
    assert scene.percent("new") == 100
    steps = [entry.step for entry in scene.runs()[0].entries()]
    assert "check" not in steps
    assert "smoke at 0 %" not in steps


def test_a_change_without_another_version_moves_no_traffic(scene: DeployScene, deploy: Deploy) -> None:
    live = scene.stands()
    ordered = len(scene.released.ordered())
    scene.changes_a_namespace()
    code, out, err = deploy("--yes", "staging")
    assert (code, err) == (0, "")
    assert "sessions" in out
    assert scene.percent(live) == 100
    assert len(scene.released.ordered()) == ordered
    assert sum(" up " in f" {asked} " for asked in scene.pulumi.asked) == 1


def test_migrations_alone_are_applied(scene: DeployScene, deploy: Deploy) -> None:
    scene.stands()
    scene.migration("0002_boats.sql", "CREATE TABLE boats (id INTEGER PRIMARY KEY);")
    code, out, err = deploy("--yes", "staging")
    assert (code, err) == (0, "")
    assert "applied to harbor-staging-d1-main: 0002_boats.sql" in out
    assert out.index("database/daily/main/backup_staging_main_") < out.index("applied to")
    assert scene.backed_up == ["main"]
    assert deploy("--yes", "staging")[1].endswith("There is nothing to do.\n")


# --- what becomes of a bad one


def test_a_version_that_fails_its_smoke_is_shown_to_nobody_and_ends_with_1(scene: DeployScene, deploy: Deploy) -> None:
    live = scene.stands()
    scene.change()
    scene.previews("bad")
    scene.broken.add("bad")
    code, out, _ = deploy("--yes", "staging")
    assert code == 1
    assert "every request goes to the version before" in out
    assert "home: 500" in out
    assert scene.percent(live) == 100
    assert scene.runs()[0].ended is Outcome.STOPPED


def test_a_first_version_that_does_not_work_needs_a_person(scene: DeployScene, deploy: Deploy) -> None:
    scene.previews("first")
    scene.broken.add("first")
    code, out, _ = deploy("--yes", "staging")
    assert code == 3
    assert "a person has to decide" in out
    assert "bulkhead rollout staging show" in out
    assert scene.runs()[0].ended is None


def test_a_stage_that_the_settings_close_and_nobody_closed_gets_no_release(scene: DeployScene, deploy: Deploy) -> None:
    live = scene.stands()
    scene.change()
    scene.previews("new")
    scene.open_to_strangers = True
    code, out, _ = deploy("--yes", "staging")
    assert code == 1
    assert "somebody without its key is let in: pulumi up -C identities -s staging" in out
    assert scene.percent(live) == 100


def test_an_engine_that_fails_is_told_in_its_own_words_and_nobody_has_met_anything(
    scene: DeployScene, deploy: Deploy
) -> None:
    live = scene.stands()
    scene.change()
    scene.previews("new")
    scene.pulumi.fails("up", "error: the bucket is gone")
    code, _, err = deploy("--yes", "staging")
    assert code == 1
    assert "the bucket is gone" in err
    assert "Traceback" not in err
    assert scene.percent(live) == 100
    assert scene.runs()[0].ended is Outcome.STOPPED


@pytest.fixture
def development(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeployScene]:
    scene = DeployScene(tmp_path, monkeypatch, "development")
    yield scene
    scene.close()


@pytest.mark.parametrize(("bad", "code"), [(False, 0), (True, 1)])
def test_all_at_once_everybody_has_it_and_goes_back_when_it_does_not_work(
    development: DeployScene, capsys: pytest.CaptureFixture[str], bad: bool, code: int
) -> None:
    live = development.stands()
    development.change()
    development.previews("new")
    development.broken.update({"new"} if bad else ())
    ended, out, err = development.run(capsys, "--yes", "development")
    assert (ended, err) == (code, ""), out
    assert development.percent(live if bad else "new") == 100


# --- what others have left


def test_a_run_of_this_commit_that_was_killed_is_continued(scene: DeployScene, deploy: Deploy) -> None:
    scene.stands()
    scene.change()
    scene.previews("new")
    with scene.killed_at("check"):
        deploy("--yes", "staging")
    code, out, err = deploy("--yes", "staging")
    assert (code, err) == (0, "")
    assert "stands at: check" in out
    assert scene.percent("new") == 100
    assert len(scene.runs()) == 1


def test_a_run_of_another_commit_is_returned_before_this_one_begins(scene: DeployScene, deploy: Deploy) -> None:
    scene.stands()
    scene.change()
    scene.previews("new")
    with scene.killed_at("check"):
        deploy("--yes", "staging")
    scene.change("export default {}; // mended\n")
    scene.previews("newer")
    code, out, err = deploy("--yes", "staging")
    assert (code, err) == (0, "")
    assert "continued" not in out.partition("Checking secrets")[0]
    assert scene.percent("newer") == 100
    assert [run.ended for run in scene.runs()] == [Outcome.DONE, Outcome.STOPPED]


def test_after_a_first_version_that_does_not_work_a_mended_one_can_be_deployed(
    scene: DeployScene, deploy: Deploy
) -> None:
    scene.previews("first")
    scene.broken.add("first")
    assert deploy("--yes", "staging")[0] == 3
    scene.change("export default {}; // mended\n")
    scene.previews("mended")
    assert deploy("--yes", "staging")[0] == 3, "nothing that is compared with what fails says enough"
    assert main(["rollout", "staging", "promote"]) == 0
    code, out, err = deploy("--yes", "staging")
    assert (code, err) == (0, ""), out
    assert scene.percent("mended") == 100
    assert [run.ended for run in scene.runs()] == [Outcome.DONE, Outcome.PERSON]


def test_what_a_person_promotes_goes_on_with_the_same_command(scene: DeployScene, deploy: Deploy) -> None:
    scene.previews("first")
    scene.broken.add("first")
    assert deploy("--yes", "staging")[0] == 3
    scene.broken.clear()
    code, out, err = deploy("--yes", "staging")
    assert (code, err) == (0, ""), out
    assert [run.ended for run in scene.runs()] == [Outcome.DONE]


def test_one_killed_in_its_up_is_settled_first(scene: DeployScene, deploy: Deploy) -> None:
    scene.stands()
    scene.change()
    scene.previews("new")
    with scene.killed_at("upload"):
        deploy("--yes", "staging")
    code, _, err = deploy("--yes", "staging")
    assert (code, err) == (0, "")
    commands = [asked.split()[3] for asked in scene.pulumi.asked]
    assert commands.index("cancel") < commands.index("up")
    assert scene.percent("new") == 100


def test_a_plan_says_that_a_run_has_not_ended(scene: DeployScene, deploy: Deploy) -> None:
    scene.stands()
    scene.change()
    scene.previews("new")
    with scene.killed_at("upload"):
        deploy("--yes", "staging")
    code, out, _ = deploy("--plan")
    assert code == 0
    assert f"Run {scene.runs()[0].id} has not ended" in out


def test_a_run_that_goes_on_does_what_its_own_plan_says_and_not_another_one(
    scene: DeployScene, deploy: Deploy, tmp_path: Path
) -> None:
    live = scene.stands()
    scene.change()
    scene.previews("new")
    file = tmp_path / "plan.json"
    file.write_text(deploy("--plan", "--json")[1])
    with scene.killed_at("check"):
        deploy("--yes", "staging")
    shown = json.loads(file.read_text())
    other = Plan.of(shown, "").document() | {"changes": [*shown["changes"], "delete Bucket transcripts"]}
    other["digest"] = replace(Plan.of(shown, ""), changes=tuple(other["changes"])).digest
    (tmp_path / "other.json").write_text(json.dumps(other))
    code, _, err = deploy("--apply", str(tmp_path / "other.json"), "--yes", "staging")
    assert code == 1
    assert "The plan is no longer what would be done" in err
    assert scene.percent(live) == 100
    assert deploy("--apply", str(file), "--yes", "staging")[0] == 0
    assert scene.percent("new") == 100


def test_a_second_deployment_is_refused_by_the_name_of_the_first(scene: DeployScene, deploy: Deploy) -> None:
    scene.stands()
    with scene.journal(ALIVE).held():
        code, _, err = deploy("--yes", "staging")
    assert code == 1
    assert "staging is being changed" in err
    assert "alice@laptop" in err
    assert "rollout staging show" in err


# --- what is missing


@pytest.mark.parametrize("name", [KEY_ID, KEY_SECRET])
def test_a_missing_key_of_a_closed_stage_is_said_before_anything_is_asked(
    scene: DeployScene, deploy: Deploy, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    scene.stands()
    monkeypatch.delenv(name)
    code, _, err = deploy("--plan")
    assert code == 1
    assert name in err
    assert "export it" in err


def test_without_pulumi_it_is_said_how_to_get_it(
    scene: DeployScene, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    code, _, err = deploy("--plan")
    assert code == 1
    assert "The Pulumi CLI is needed." in err


@pytest.mark.parametrize("broken", ["no git", "no commit"])
def test_a_folder_that_is_no_checkout_cannot_be_deployed(
    scene: DeployScene, deploy: Deploy, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    scene.stands()
    if broken == "no git":
        monkeypatch.setenv("PATH", f"{scene.pulumi.bin}:{scene.only('cat', 'env', 'cp', 'sh')}")
    else:
        shutil.rmtree(scene.root / ".git")
    code, _, err = deploy("--plan")
    assert code == 1
    assert "git" in err
    assert "Traceback" not in err


def test_settings_that_are_no_yaml_are_told_with_their_line(scene: DeployScene, deploy: Deploy) -> None:
    (scene.root / "Pulumi.staging.yaml").write_text("config:\n  - [\n")
    code, _, err = deploy("--plan")
    assert code == 1
    assert "Pulumi.staging.yaml" in err
    assert "Traceback" not in err


def test_changes_that_are_in_no_commit_are_not_deployed(scene: DeployScene, deploy: Deploy) -> None:
    live = scene.stands()
    (scene.root / "worker/web.js").write_text("export default {}; // by hand\n")
    scene.previews("new")
    code, _, err = deploy("--yes", "staging")
    assert code == 1
    assert "worker/web.js" in err
    assert scene.percent(live) == 100
    assert scene.runs() == []


def test_a_missing_secret_stops_it_before_the_engine_is_asked(scene: DeployScene, deploy: Deploy) -> None:
    scene.stands()
    (scene.root / "identities" / "Pulumi.staging.yaml").unlink()
    code, _, err = deploy("--plan")
    assert code == 1
    assert "bulkhead secrets set staging githubToken" in err
    assert not any("preview" in asked for asked in scene.pulumi.asked)


def test_help_is_answered_without_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work_in(monkeypatch, tmp_path)
    assert main(["deploy", "--help"]) == 0
    out = capsys.readouterr().out
    assert "--plan" in out
    assert "--instead-of" in out


def test_nothing_that_is_said_holds_a_secret(scene: DeployScene, deploy: Deploy) -> None:
    scene.stands()
    scene.change()
    scene.previews("new")
    said = "".join(map(str, deploy("--yes", "staging")))
    kept = b"".join(scene.s3.there.values()).decode()
    for secret in (TOKEN, "a-key-that-opens-the-stage"):
        assert secret not in said
        assert secret not in kept


# --- going on, and going again


def test_a_run_that_was_interrupted_goes_on_and_was_not_killed(
    scene: DeployScene, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.stands()
    scene.change()
    scene.previews("new")
    told: list[str] = []
    monkeypatch.setattr("bulkhead.delivery.telling.tell", lambda news, *_: told.append(str(news.ending)))
    with monkeypatch.context() as patch:
        patch.setattr("bulkhead.delivery.watching.Clock.wait", interrupted)
        assert deploy("--yes", "staging")[0] == 130
    assert told == []
    code, out, err = deploy("--yes", "staging")
    assert (code, err) == (0, "")
    assert "stands at: check" in out
    assert told == ["deployed"]


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_up_that_fails_after_everybody_has_it_leaves_the_run_open_for_the_same_command(
    scene: DeployScene, deploy: Deploy
) -> None:
    scene.stands()
    scene.change()
    scene.previews("new")
    scene.pulumi.brings_up(
        "echo x >> ups; [ $(wc -l < ups) != 2 ] || { echo 'error: a hostname is taken' >&2; exit 1; }"
    )
    code, out, err = deploy("--yes", "staging")
    assert code == 3
    assert "a hostname is taken" in out + err
    assert scene.percent("new") == 100
    assert scene.runs()[0].ended is None
    assert deploy("--yes", "staging")[0] == 0
    assert [run.ended for run in scene.runs()] == [Outcome.DONE]


def test_a_program_reads_how_it_ended(scene: DeployScene, deploy: Deploy) -> None:
    scene.stands()
    scene.change()
    scene.previews("bad")
    scene.broken.add("bad")
    code, out, _ = deploy("--yes", "staging", "--json")
    told = json.loads(out)
    assert (code, told["stage"], told["outcome"], told["run"]) == (1, "staging", "stopped", scene.runs()[0].id)
    assert "home: 500" in told["reason"]


def test_what_was_stopped_can_be_tried_again_once_the_cause_is_gone(scene: DeployScene, deploy: Deploy) -> None:
    scene.stands()
    scene.change()
    scene.previews("new")
    scene.broken.add("new")
    assert deploy("--yes", "staging")[0] == 1
    scene.broken.clear()
    code, _, err = deploy("--yes", "staging")
    assert (code, err) == (0, "")
    assert scene.percent("new") == 100


def test_a_commit_that_lacks_what_is_live_goes_only_instead_of_it(scene: DeployScene, deploy: Deploy) -> None:
    before = scene.commit()
    scene.change()
    live = scene.stands()
    scene.check_out(before)
    scene.previews("older")
    code, _, err = deploy("--yes", "staging")
    assert code == 1
    assert f"--instead-of {live}" in err
    assert "change web" in err
    assert scene.percent(live) == 100
    assert deploy("--yes", "staging", "--instead-of", live)[0] == 0
    assert scene.percent("older") == 100


def test_a_migration_that_takes_something_away_needs_a_waiver(scene: DeployScene, deploy: Deploy) -> None:
    scene.stands()
    scene.migration("0002_gone.sql", "DROP TABLE people;")
    code, _, err = deploy("--yes", "staging")
    assert code == 1
    assert "0002_gone.sql" in err
    assert "takes away what running code may still use" in err
    assert scene.runs() == []


def test_traffic_that_somebody_moved_by_hand_is_left_alone(scene: DeployScene, deploy: Deploy) -> None:
    scene.stands()
    scene.change()
    scene.previews("new")
    with scene.killed_at("check"):
        deploy("--yes", "staging")
    scene.released.release("by-hand", "web")
    code, out, err = deploy("--yes", "staging")
    assert code == 3
    assert "Somebody else" in out + err
    assert scene.percent("by-hand") == 100
