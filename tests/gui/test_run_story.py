import numpy as np
from bandbridge.engine.api.events import (
    CheckpointSaved,
    EpochEnd,
    Finished,
    Gap,
    Losses,
    Notice,
    Paused,
    Progress,
    TrainingStarted,
)
from bandbridge.gui.run_story import RunStory


def started(first_step=0):
    return TrainingStarted(
        stage="SOCKET", steps=1000, steps_per_epoch=100, device="CPU", terms=("total",), first_step=first_step
    )


def losses(start, stop):
    steps = np.arange(start, stop)
    return Losses(
        steps=steps, values={"total": np.ones(len(steps), np.float32)}, images_per_second=50.0, memory_mb=700.0
    )


def gap(step, value=1.0):
    nothing = np.zeros((3, 2), np.float32)
    return Gap(step=step, measures={"mmd": value}, rgb_points=nothing, sensor_points=nothing, target_points=nothing)


def test_epochs_are_counted_from_one_and_never_beyond_the_last():
    story = RunStory()
    story.take(started())
    assert (story.epoch, story.epochs) == (1, 10)
    story.take(losses(0, 250))
    assert story.epoch == 3
    story.take(losses(250, 1001))
    assert story.epoch == 10


def test_time_spent_leaves_pauses_out():
    now = [0.0]
    story = RunStory(clock=lambda: now[0])
    story.begin()
    now[0] = 10.0
    story.take(Paused(paused=True))
    now[0] = 100.0
    assert story.seconds == 10.0
    story.take(Paused(paused=False))
    now[0] = 105.0
    assert story.seconds == 15.0
    story.take(Finished(outcome="stopped"))
    now[0] = 999.0
    assert story.seconds == 15.0
    story.begin()
    now[0] = 1000.0
    assert story.seconds == 16.0


def test_only_the_parts_an_event_touches_ask_for_redrawing():
    story = RunStory()
    before = {part: story.revision(part) for part in ("losses", "gap", "samples", "epoch")}
    story.take(Progress(title="Reading"))
    assert {part: story.revision(part) for part in before} == before
    story.take(losses(0, 3))
    assert story.revision("losses") > before["losses"]
    assert story.revision("gap") == before["gap"]


def test_a_resumed_run_replaces_what_was_lost():
    story = RunStory()
    story.take(started())
    for step in (0, 100, 200, 300):
        story.take(gap(step))
    story.take(losses(0, 350))
    story.take(CheckpointSaved(step=200, path="run/checkpoint"))
    story.take(Finished(outcome="failed"))
    story.begin()
    assert story.running
    story.take(started(first_step=200))
    assert story.curves["total"].steps.max() == 200
    story.take(gap(200))  # the epoch that begins there is looked at again
    assert [snapshot.step for snapshot in story.snapshots] == [0, 100, 200]
    story.take(losses(201, 210))
    assert story.curves["total"].steps.tolist() == list(range(210))


def test_memory_is_bounded_for_a_run_of_any_length():
    story = RunStory()
    for epoch in range(1000):
        story.take(gap(epoch * 10, value=float(epoch)))
        story.take(CheckpointSaved(step=epoch, path="run/checkpoint"))
        story.take(Notice(level="info", text="set aside"))
        story.take(EpochEnd(step=epoch, epoch=epoch, predicted_counts={}, mean_confidence=0.5, held_out_agreement=None))
    assert len(story.snapshots) <= 48
    assert (story.snapshots[0].step, story.snapshots[-1].step) == (0, 9990)
    assert len(story.checkpoints) <= 400
    assert len(story.notices) <= 200
    assert story.measures["mmd"].latest == 999.0


def test_a_method_without_losses_has_no_curves_and_still_a_speed():
    story = RunStory()
    story.take(started())
    story.take(losses(5, 5))
    assert story.curves == {}
    assert story.images_per_second == 50.0


def stage(number, first_step=0):
    return TrainingStarted(
        stage=("Bridge", "Transfer")[number],
        steps=(40, 20)[number],
        steps_per_epoch=(10, 5)[number],
        device="CPU",
        terms=("total",),
        first_step=first_step,
        number=number,
        stages=("Bridge", "Transfer"),
        steps_before=(0, 40)[number],
    )


def step_progress(fraction):
    return Progress(title="Stage", unit="step", fraction=fraction)


def test_every_stage_keeps_its_own_curves_and_the_run_goes_through_all():
    story = RunStory()
    story.take(Progress(title="Reading", unit="image", fraction=1.0))
    story.take(stage(0))
    assert story.fraction is None, "reading was another whole"
    story.take(gap(0, 5.0))
    story.take(losses(1, 41))
    story.take(step_progress(0.5))
    story.take(gap(40, 1.0))
    story.take(stage(1))
    story.take(Progress(title="Looking", unit="image", fraction=0.1))
    assert story.fraction == 0.5, "the bar never falls back"
    story.take(gap(40, 4.0))  # the same step, another model
    story.take(losses(41, 48))
    assert (story.epoch, story.epochs) == (2, 4)
    assert [len(s.curves["total"]) for s in story.stages.values()] == [40, 7]
    assert story.measures["mmd"].means.tolist() == [5.0, 1.0, 4.0]
    assert [story.place(snapshot.step) for snapshot in story.snapshots] == [
        ("Bridge", 0.0),
        ("Bridge", 4.0),
        ("Transfer", 0.0),
    ]


def test_a_later_stage_gone_on_with_keeps_the_earlier_one():
    story = RunStory()
    story.take(stage(0))
    story.take(losses(1, 41))
    story.take(stage(1))
    story.take(losses(41, 58))
    story.take(Finished(outcome="stopped"))
    story.begin()
    story.take(stage(1, first_step=10))
    assert story.stages[0].curves["total"].steps.max() == 40
    assert story.stages[1].curves["total"].steps.max() == 50
    story.take(stage(0, first_step=20))  # the last checkpoint was an older one
    assert list(story.stages) == [0]
    assert story.curves["total"].steps.max() == 20
