from __future__ import annotations

from kubepy.apiserver.flowcontrol.rejections import Rejections


def test_who_is_sent_away_often_is_sent_away_for_longer() -> None:
    rejections = Rejections()
    assert rejections.retry_after_s == 1
    seen = []
    for second in range(1000, 1100):
        for _ in range(100):
            rejections.add(second)
        seen.append(rejections.retry_after_s)
    assert seen[-1] == 32 and seen == sorted(seen)
    # One a second is little enough to come down again.
    for second in range(1200, 1300):
        rejections.add(second)
    assert rejections.retry_after_s < 32
