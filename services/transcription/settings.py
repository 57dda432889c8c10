"""What the transcription service must be told, beyond what every service is told."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.settings import CommonSettings


class Role(StrEnum):
    """What this process does; the two scale apart from each other."""

    FOLLOWER = "follower"
    """Listens to recordings and cuts them into chunks."""
    RECOGNISER = "recogniser"
    """Turns chunks into words."""


class Settings(CommonSettings):
    """Settings of the transcription service."""

    role: Role = Field(
        Role.FOLLOWER,
        validation_alias="TIDINGS_TRANSCRIPTION_ROLE",
        description="What this process does: follower (cuts recordings into chunks) or recogniser.",
    )
    max_followed: int = Field(
        16,
        gt=0,
        validation_alias="TIDINGS_TRANSCRIPTION_MAX_FOLLOWED",
        description="Recordings one follower decodes at a time; a quarter of them may be long.",
    )
    max_seconds: float = Field(
        12 * 3600.0,
        gt=0,
        validation_alias="TIDINGS_TRANSCRIPTION_MAX_SECONDS",
        description="Longest recording that is transcribed, in seconds.",
    )
    work_dir: Path | None = Field(
        None,
        validation_alias="TIDINGS_TRANSCRIPTION_WORK_DIR",
        description="Local disk for recordings that can be decoded only as a whole, as large as "
        "those are; else /tmp.",
    )
    max_in_flight: int = Field(
        16,
        gt=0,
        validation_alias="TIDINGS_TRANSCRIPTION_MAX_IN_FLIGHT",
        description="Chunks of one recording that may wait for recognisers at a time.",
    )
    draft_every_s: float = Field(
        1.5,
        ge=0,
        validation_alias="TIDINGS_TRANSCRIPTION_DRAFT_EVERY_S",
        description="How often words not settled yet are shown while someone speaks; 0: never.",
    )
    model: str = Field(
        "base",
        validation_alias="TIDINGS_TRANSCRIPTION_MODEL",
        description="Speech model: base, tiny.en, or the folder of a CTranslate2 Whisper model.",
    )
    second_model: str | None = Field(
        None,
        validation_alias="TIDINGS_TRANSCRIPTION_SECOND_MODEL",
        description="Larger model that hears doubtful chunks again when nothing waits, named like "
        "the first; unset: none. Followers must know it too.",
    )
    model_dir: Path = Field(
        Path("var/models"),
        validation_alias="TIDINGS_TRANSCRIPTION_MODEL_DIR",
        description="Where models that come in pieces are put together.",
    )
    languages: tuple[str, ...] = Field(
        (),
        validation_alias="TIDINGS_TRANSCRIPTION_LANGUAGES",
        description='Languages to choose from when detecting, as JSON: ["en", "de"]; empty: all.',
    )
    speakers: bool = Field(
        default=True,
        validation_alias="TIDINGS_TRANSCRIPTION_SPEAKERS",
        description="Whether several speakers of a recording are told apart by their voices.",
    )
    device: str = Field(
        "auto",
        pattern="^(cpu|cuda|auto)$",
        validation_alias="TIDINGS_TRANSCRIPTION_DEVICE",
        description="cpu, cuda, or auto: a GPU where one works. One recogniser per device.",
    )
    compute_type: str = Field(
        "int8",
        validation_alias="TIDINGS_TRANSCRIPTION_COMPUTE_TYPE",
        description="CTranslate2's number format: int8, int8_float16, float16 or float32.",
    )
    threads: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        gt=0,
        validation_alias="TIDINGS_TRANSCRIPTION_THREADS",
        description="Threads the engine computes with; all cores unless set.",
    )
    beam: int = Field(
        5,
        gt=0,
        validation_alias="TIDINGS_TRANSCRIPTION_BEAM",
        description="Texts the engine weighs against each other for each chunk; 1 is fastest.",
    )
    max_batch: int = Field(
        8,
        gt=0,
        validation_alias="TIDINGS_TRANSCRIPTION_MAX_BATCH",
        description="Chunks recognised together.",
    )
    batch_beside_speech: int = Field(
        2,
        gt=0,
        validation_alias="TIDINGS_TRANSCRIPTION_BATCH_BESIDE_SPEECH",
        description="Chunks of files recognised together while somebody speaks.",
    )
    batch_beside_others: int = Field(
        4,
        gt=0,
        validation_alias="TIDINGS_TRANSCRIPTION_BATCH_BESIDE_OTHERS",
        description="Chunks of long recordings recognised together while several recordings wait.",
    )
    team_shares: dict[UUID, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict,
        validation_alias="TIDINGS_TRANSCRIPTION_TEAM_SHARES",
        description='Turns of a team where every other has one, as JSON: {"<team id>": 3}.',
    )
    max_of_a_team: int | None = Field(
        None,
        gt=0,
        validation_alias="TIDINGS_TRANSCRIPTION_MAX_OF_A_TEAM",
        description="Chunks of one team that recognisers may have at a time; unset: any number.",
    )
    overtake_after_s: float = Field(
        10.0,
        gt=0,
        validation_alias="TIDINGS_TRANSCRIPTION_OVERTAKE_AFTER_S",
        description="How long a recogniser may have a chunk before an idle one takes it over.",
    )
    linger_s: float = Field(
        0.05,
        ge=0,
        validation_alias="TIDINGS_TRANSCRIPTION_LINGER_S",
        description="How long a chunk waits for company before it is recognised, in seconds.",
    )
