import pytest
from aiohttp.test_utils import make_mocked_request

from shared.http import limits
from shared.http.limits import Rate, RateLimitedError, RateLimits
from shared.http.table import RateClass
from tests.unit.http.clocks import StillClock

pytestmark = pytest.mark.unit


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def rate_limits(clock: StillClock) -> RateLimits:
    return RateLimits({RateClass.ORDINARY: Rate(quota=3, window_s=60)}, clock)


def test_the_quota_may_come_at_once_and_no_more(rate_limits: RateLimits) -> None:
    for _ in range(3):
        rate_limits.take(RateClass.ORDINARY, "a")
    with pytest.raises(RateLimitedError) as refusal:
        rate_limits.take(RateClass.ORDINARY, "a")
    assert refusal.value.retry_after_s == pytest.approx(20)


def test_the_bucket_fills_with_time(rate_limits: RateLimits, clock: StillClock) -> None:
    for _ in range(3):
        rate_limits.take(RateClass.ORDINARY, "a")
    clock.advance(20)
    rate_limits.take(RateClass.ORDINARY, "a")
    with pytest.raises(RateLimitedError):
        rate_limits.take(RateClass.ORDINARY, "a")


def test_callers_do_not_share_a_bucket(rate_limits: RateLimits) -> None:
    for _ in range(3):
        rate_limits.take(RateClass.ORDINARY, "a")
    rate_limits.take(RateClass.ORDINARY, "b")


def test_a_class_without_a_rate_is_not_limited(rate_limits: RateLimits) -> None:
    assert all(rate_limits.take(RateClass.UNLIMITED, "a") == {} for _ in range(99))


def test_headers_say_what_is_left(rate_limits: RateLimits) -> None:
    assert rate_limits.take(RateClass.ORDINARY, "a") == {
        "RateLimit-Policy": '"ordinary";q=3;w=60',
        "RateLimit": '"ordinary";r=2;t=20',
    }


def test_memory_is_bounded(rate_limits: RateLimits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BUCKETS", 2)
    for _ in range(3):
        rate_limits.take(RateClass.ORDINARY, "a")
    rate_limits.take(RateClass.ORDINARY, "b")
    rate_limits.take(RateClass.ORDINARY, "c")
    # "a" was idle longest and is forgotten.
    rate_limits.take(RateClass.ORDINARY, "a")


def address_behind(remote: str, forwarded: str, *proxies: str) -> str:
    request = make_mocked_request("GET", "/", headers={"X-Forwarded-For": forwarded}).clone(
        remote=remote
    )
    return RateLimits({}, StillClock(), proxies).address_of(request)


def test_a_stranger_cannot_choose_an_address() -> None:
    assert address_behind("9.9.9.9", "1.2.3.4") == "9.9.9.9"


def test_behind_a_trusted_proxy_the_nearest_stranger_counts() -> None:
    assert address_behind("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "10.0.0.0/8") == "1.2.3.4"


def test_a_trusted_proxy_that_names_nobody_is_the_caller() -> None:
    assert address_behind("10.0.0.1", "", "10.0.0.0/8") == "10.0.0.1"


def test_a_name_that_is_no_address_is_no_proxy() -> None:
    assert address_behind("10.0.0.1", "unknown", "10.0.0.0/8") == "unknown"
