"""Effects as text of the language, for graphs, `explain` and `why`. One row for each."""

from collections.abc import Callable, Mapping
from typing import Any

from cij.compiler import program as pg
from cij.compiler.unparse import name_words, words


def effect_words(effect: pg.Effect) -> str:
    """Return `send email welcome`, `set vip = true`."""
    return _WORDS[type(effect)](effect)


def _send(effect: pg.SendEffect) -> str:
    return f"send {effect.channel} {name_words(effect.message)}"


def _do(effect: pg.DoEffect) -> str:
    return f"do {name_words(effect.action)}"


def _set(effect: pg.SetEffect) -> str:
    return f"set {name_words(effect.field)} = {words(effect.value)}"


def _consent(effect: pg.ConsentEffect) -> str:
    """Name a single channel only: `by email, sms` is not the language, and all of them need no name."""
    verb = "give" if effect.is_given else "withdraw"
    by = f" by {effect.channels[0]}" if len(effect.channels) == 1 else ""
    return f"{verb} consent {name_words(effect.topic)}{by}"


def _note(effect: pg.NoteEventEffect) -> str:
    return f"remember the event {name_words(effect.event)}"


def _emit(effect: pg.EmitEffect) -> str:
    return f"emit {name_words(effect.event)}"


def _turn(effect: pg.IterationEffect) -> str:
    return "the next turn" if effect.is_next else "no more turns"


def _take(effect: pg.TakeEffect) -> str:
    return "take a place"


def _arm(effect: pg.ArmEffect) -> str:
    return f"take the arm {name_words(effect.arm)}"


_WORDS: Mapping[type, Callable[[Any], str]] = {
    pg.SendEffect: _send,
    pg.DoEffect: _do,
    pg.SetEffect: _set,
    pg.ConsentEffect: _consent,
    pg.NoteEventEffect: _note,
    pg.EmitEffect: _emit,
    pg.IterationEffect: _turn,
    pg.TakeEffect: _take,
    pg.ArmEffect: _arm,
}
