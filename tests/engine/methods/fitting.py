"""A stage trained for some epochs, with nobody watching."""

from bandbridge.engine.training.loop import build_optimisers, train


class Silent:
    def epoch_began(self, epoch, step):
        pass

    def stepped(self, step, objectives, images):
        pass

    def may_save(self, step, epoch_ended, optimisers):
        pass


def fit(stage, ground, streams, epochs, seed=0):
    train(
        stage,
        streams,
        epochs=epochs,
        seed=seed,
        optimisers=build_optimisers(stage),
        watcher=Silent(),
        control=ground.control,
    )
