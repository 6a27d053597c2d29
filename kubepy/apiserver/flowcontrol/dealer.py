"""Shuffle sharding: a hash deals each flow a hand of queues, so that a loud flow shares all of its queues with hardly
anybody.

Source: k8s.io/apiserver pkg/util/shufflesharding/dealer.go.
"""

from __future__ import annotations

import hashlib


def hash_flow(schema: str, distinguisher: str) -> int:
    """Source: flowcontrol/apf_controller.go hashFlowID."""
    digest = hashlib.sha256(schema.encode() + b"\0" + distinguisher.encode()).digest()
    return int.from_bytes(digest[:8], "little")


def deal(hash_value: int, deck_size: int, hand_size: int) -> tuple[int, ...]:
    """`hand_size` different cards of range(deck_size), each hand as likely as any other."""
    remainders: list[int] = []
    for i in range(hand_size):
        hash_value, remainder = divmod(hash_value, deck_size - i)
        remainders.append(remainder)
    hand = []
    for i, card in enumerate(remainders):
        # What was drawn before is no longer in the deck.
        for j in range(i, 0, -1):
            if card >= remainders[j - 1]:
                card += 1
        hand.append(card)
    return tuple(hand)
