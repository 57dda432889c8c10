"""What the summary service must be told: no more than every service."""

from shared.settings import CommonSettings


class Settings(CommonSettings):
    """Settings of the summary service."""
