"""Payloads of every type of event, as answers show them: sealed values masked, words of all kinds.

What is no word of the data is in capitals and digits, so that a word of English or a code that
comes from nowhere else is seen.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from ledger.common.bounds import Words
from ledger.common.personal import Personal, Plain
from projections.asking.written import PERSONAL

TIME = "2026-09-10T10:00:00Z"
OF = {
    "currency": "CNY", "order": "order:taobao:P:1001", "merged_with": "order:taobao:P:1002",
    "about_subject": "order:taobao:P:1001", "case": "case:taobao:P:R1", "points": "1.5",
    "account": "stock:HZ:QM-001", "renews": "deduction:2609-2", "channel": "taobao",
    "code": "X9", "charge": "deduction:2609-1", "zone": "Asia/Shanghai", "sections": {"rules": []},
    "document": "count:HZ:1", "exception": "out_of_stock", "score": "90.5", "coefficient": "1.2",
    "post": "customer_service", "facts": ["total_minor", "lines"], "unstated": ["refunds"],
    "inferred": ["occurred_at"], "counts_in": "pre_sale/1", "persons": ["person:1", "person:2"],
    "fields": ["buyer_remark", "phone"], "policy": "reject_everything", "replaces": "K1",
    "route": "/v1/orders/<order>", "profile": "taobao-orders", "state": "in_transit",
    "old": {"total_minor": 1000}, "new": {"total_minor": 900}, "signer": "member:8",
    "subjects": ["order:taobao:P:1001", "sku:QM-001"], "command": "order.sell_below_floor",
    "threshold": "3", "effective_from": "2026-09-01", "halves": {"2026-09-10": "am"},
    "grades": {"pre_sale/1": "90"}, "underway": {"QM-001": 2}, "sku": "QM-001",
    "details": {"wanted": 3}, "ended_as": "completed", "days": ["2026-09-10", "2026-09-11"]}
"""What fields of these names hold, where another value would mean nothing."""

MEMBERS = frozenset({
    "member", "offender", "owner", "cover", "absent", "supervisor", "director", "grader",
    "to_member", "members", "for", "by"})


def samples(event: type) -> Iterator[dict[str, Any]]:
    """Payloads of a type: of nothing but what it needs, of all that it may hold, and one for each
    further word that it may say."""
    yield _object(event, full=False)
    whole = _object(event, full=True)
    yield whole
    for field in msgspec.structs.fields(event):
        for word in _words(field.type):
            yield {**whole, field.encode_name: word}
        if field.type is bool or bool in get_args(field.type):
            yield {**whole, field.encode_name: False}


def _object(kind: Any, *, full: bool) -> dict[str, Any]:
    return {field.encode_name: _value(field.encode_name, field.type, full=full)
            for field in msgspec.structs.fields(kind) if full or field.required}


def _words(kind: Any) -> tuple[str, ...]:
    if get_origin(kind) is Literal:
        return tuple(map(str, get_args(kind)))
    if get_origin(kind) is Annotated:
        return tuple(word for part in get_args(kind) if isinstance(part, Words)
                     for word in part.words if word) or _words(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return tuple(word for part in get_args(kind) for word in _words(part))
    return ()


def _value(name: str, kind: Any, *, full: bool) -> Any:
    if words := _words(kind):
        return words[-1]
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _value(name, parts[0], full=full)
    if origin in (Union, UnionType):
        return _value(name, next(one for one in parts if one is not type(None)), full=full)
    if isinstance(kind, type) and issubclass(kind, Personal | Plain):
        return PERSONAL
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and name not in ("sections",):
        return _object(kind, full=full)
    if name in OF:
        return OF[name]
    if origin in (list, tuple):
        return [_value(name, parts[0], full=full)]
    return _plain(name, kind)


def _plain(name: str, kind: Any) -> Any:
    if kind is bool:
        return True
    if kind is int:
        return 3
    if kind is datetime:
        return TIME
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind)).value
    if kind is str and (name in MEMBERS or name.endswith("_by")):
        return "member:7"
    return "X1" if kind is str else {}
