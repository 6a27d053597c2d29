from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kubepy.apiserver.flowcontrol.dealer import deal, hash_flow


@given(st.integers(0, 2**64 - 1), st.integers(1, 128), st.integers(1, 8))
def test_a_hand_has_different_cards_of_the_deck(value: int, deck: int, hand: int) -> None:
    cards = deal(value, deck, min(deck, hand))
    assert len(set(cards)) == len(cards) == min(deck, hand)
    assert all(0 <= card < deck for card in cards)


def test_all_hands_of_a_small_deck_come() -> None:
    assert {frozenset(deal(value, 4, 2)) for value in range(12)} == {
        frozenset((a, b)) for a in range(4) for b in range(4) if a != b
    }


def test_the_same_flow_has_the_same_hash() -> None:
    # sha256("fs\0jane"), first eight bytes, little end first.
    assert hash_flow("fs", "jane") == hash_flow("fs", "jane") != hash_flow("fs", "joe")
    assert hash_flow("a", "b") != hash_flow("ab", "")
