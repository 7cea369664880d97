"""Relations as they are declared: `product(product_id)` in the fields of an event, a customer, an entity."""

from cij.compiler import expression as ex
from cij.compiler.typecheck.environment import Environment
from cij.compiler.types import TEXT, Type, relation
from cij.grammar import codes, syntax


def check_relation(node: syntax.Call, key: ex.Expression, env: Environment) -> ex.Expression | None:
    """Return the relation `product(product_id)` of a row, or report what does not fit."""
    name = node.function.text
    wanted = _key_type(env.declared["entity"][name], env)
    if wanted is None:
        return None
    if key.type.kind != wanted.kind:
        message = f"the key of `{name}` is {wanted.kind}, and this is {key.type}"
        span = node.arguments[0].span
        env.report(codes.TYPE_MISMATCH.at(span, message, label=str(key.type)))
        return None
    text = key if key.type.kind == "text" else _as_text(key)
    return text.model_copy(update={"type": relation(name)})


def _key_type(node: syntax.Declaration, env: Environment) -> Type | None:
    """Return the type of an entity's key, also of one that is not defined yet."""
    settings = {i.key.text: i.value for i in node.items if isinstance(i, syntax.Setting)}
    path = settings.get("source")
    source = env.model.sources.get(path.text) if isinstance(path, syntax.Path) else None
    columns = source.columns if source is not None else ()
    return next((c.type for c in columns if source and c.name == source.key), None)


def _as_text(key: ex.Expression) -> ex.Expression:
    return ex.Call(type=TEXT, is_nullable=key.is_nullable, function="text", arguments=(key,))
