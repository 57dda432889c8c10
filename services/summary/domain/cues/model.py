"""What the words of a language are kept in.

A pattern is matched anywhere in a sentence, whatever its capitals. ``{name}`` stands for a name.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Cues:
    """What one language offers."""

    decisions: tuple[str, ...]
    undecided: str
    """Before a decision's words: it is not one (yet)."""
    named_actions: tuple[str, ...]
    """Someone named is to do something."""
    own_actions: tuple[tuple[str, str], ...]
    """Pattern and the owner as said: I, you, we."""
    denied: str
    """Behind an action's words, in their clause: nobody is to do it."""
    everybody: frozenset[str]
    """Owners that may be nobody in particular."""
    small_talk: str
    """After `I will`: an announcement of the talk itself, not an action."""
    questions: tuple[str, ...]
    """Open questions that end without a question mark."""
    tags: str
    """Ends of sentences that only look like questions."""
    topics: tuple[str, ...]
    """What comes next is what the update is about; group 1 is the topic."""
    turns: str
    """A new topic begins."""
    fillers: str
    """Beginnings that say nothing."""
    stop_words: frozenset[str]


def words_in(text: str) -> frozenset[str]:
    """Return the words of a list written as text."""
    return frozenset(text.split())
