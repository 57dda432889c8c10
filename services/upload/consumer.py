"""What the upload service does when it hears something: forget, and make playable."""

from services.upload.renditions import Renditions
from services.upload.sweeping import Sweeper
from shared.bus import Delivery, Runner
from shared.contracts.messages import RenditionRequest, TranscodeRequest, UpdateRemoved


def register_forgetting(runner: Runner, sweeper: Sweeper) -> None:
    """Let the runner feed removed updates to the sweeper."""

    async def on_update_removed(message: UpdateRemoved, delivery: Delivery) -> None:
        if message.recording_id is None:
            return
        async with delivery.effect() as tx:
            await sweeper.forget(tx, message.recording_id)

    runner.on("upload-forget", {UpdateRemoved: on_update_removed})


def register_rendering(runner: Runner, renditions: Renditions) -> None:
    """Let the runner feed the wishes for renditions and transcodes to their use cases."""
    runner.on("upload-make-renditions", {RenditionRequest: renditions.make})
    runner.on("upload-transcode", {TranscodeRequest: renditions.transcode})
