"""Builds HTML that is escaped by construction: only `Markup` goes into a page as it is."""

import html
from typing import Self

_VOID = frozenset({"input", "link", "meta", "br"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()

    @classmethod
    def joined(cls, *parts: str) -> Self:
        """Return parts one after the other; what is not Markup is escaped."""
        return cls(
            "".join(part if isinstance(part, Markup) else html.escape(part) for part in parts)
        )


def element(tag: str, *children: str, **attributes: str | None) -> Markup:
    """Return one element. ``class_`` and ``for_`` stand for words Python keeps for itself."""
    given = "".join(
        _attribute(name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items()
    )
    if tag in _VOID:
        return Markup(f"<{tag}{given}>")
    return Markup(f"<{tag}{given}>{Markup.joined(*children)}</{tag}>")


def _attribute(name: str, value: str | None) -> str:
    if value is None:
        return ""
    return f' {name}="{html.escape(value)}"'


def document(title: str, *content: str, language: str) -> str:
    """Return a whole page, said to be in ``language``."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title} · Tidings"),
        element("link", rel="stylesheet", href="/style.css"),
    )
    body = element("body", element("main", *content))
    return f"<!doctype html>\n{element('html', head, body, lang=language)}\n"
