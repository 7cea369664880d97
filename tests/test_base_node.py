"""The values of the compiler: not validated as they are made, validated as they are read."""

import pytest
from pydantic import TypeAdapter, ValidationError

from cij.compiler.base_node import Place
from cij.compiler.expression import And, Constant, Expression
from cij.compiler.types import BOOLEAN, Type

TRUE = Constant(type=BOOLEAN, value=True)


def test_what_is_made_is_what_is_read() -> None:
    made = And(items=(TRUE, Constant(value=False, type=BOOLEAN)))
    read = TypeAdapter(Expression).validate_json(made.model_dump_json())
    assert (read, hash(read)) == (made, hash(made))


def test_json_has_the_fields_in_their_order_however_they_were_given() -> None:
    place = Place(column=3, line=2, file="a.journey")
    assert place.model_dump_json() == '{"file":"a.journey","line":2,"column":3}'


def test_defaults_are_there_and_are_told_from_what_was_given() -> None:
    money = Type(kind="money", currency="EUR")
    assert money.item is None
    assert money.model_dump(exclude_defaults=True) == {"kind": "money", "currency": "EUR"}
    assert money.model_fields_set == {"kind", "currency"}


@pytest.mark.parametrize(
    "text",
    [
        '{"op": "and", "items": [{"op": "constant", "type": {"kind": "boolean"}}]}',
        '{"op": "and", "items": [{"op": "constant", "type": {"kind": "colour"}, "value": true}]}',
        '{"op": "and", "items": [], "surprise": 1}',
        '{"op": "no such"}',
    ],
)
def test_what_is_read_is_validated_to_the_bottom(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Expression).validate_json(text)


def test_nothing_changes_once_it_is_made() -> None:
    with pytest.raises(ValidationError):
        TRUE.value = False
