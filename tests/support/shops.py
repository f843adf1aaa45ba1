"""A shop whose files are imported: a ledger in memory and folders, for tests."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ledger.common.context import Context
from ledger.imports import profiles
from ledger.imports.importer import Summary, run_import
from ledger.imports.profile import Profile
from ledger.imports.record import Import
from ledger.log.milestones import STREAM
from ledger.settings import Opened, Settings, open_ledger
from tests.support.source import ROOT

SAMPLES = ROOT / "samples"
HEADER = "订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额"
CONTEXT = Context(actor="system", role="integration", client="tests")


class Shop:
    """A ledger in memory, with a folder for files and one for staging files."""

    def __init__(self, folder: Path, zone: str | None = None) -> None:
        self.folder = folder
        self.staging = folder / "staging"
        self.opened: Opened = open_ledger(
            Settings(database_url="memory:", keys_url="memory:", master_key_file=None), zone=zone)
        self.summary: Summary | None = None

    def file(self, rows: Sequence[str] | bytes, name: str = "export.csv",
             header: str = HEADER) -> Path:
        """A file with a header and these rows, or these bytes."""
        path = self.folder / name
        text = "".join(f"{line}\r\n" for line in (header, *rows)) if not isinstance(rows, bytes) \
            else rows
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def bring(self, *files: Path, profile: str | Profile = "tmall-report", **more: Any) -> Summary:
        """Import files. Whatever comes of it, the counts add up and nothing is left behind."""
        self.close()
        before = self.opened.ledger.head().position
        found = profile if isinstance(profile, Profile) else profiles.find(profile)
        self.summary = summary = run_import(
            self.opened.ledger, files, found, context=CONTEXT, staging_dir=self.staging, **more)
        assert summary.rows == summary.accepted + summary.rejected + summary.duplicates
        assert summary.events == self.opened.ledger.head().position - before
        assert summary.position == self.opened.ledger.head().position
        assert list(self.staging.iterdir()) == []
        return summary

    def log(self) -> list[Any]:
        """Every entry of the log but its own, and but what says that an import was refused."""
        return [entry for entry in self.opened.store.read("main", limit=10**6)
                if entry.stream != STREAM and entry.type != Import.Refused.TOPIC]

    def refused(self) -> list[dict[str, Any]]:
        """What the log says of imports that were refused, in its order."""
        return [json.loads(entry.payload)
                for entry in self.opened.store.read("main", limit=10**6)
                if entry.type == Import.Refused.TOPIC]

    def types(self) -> Counter[str]:
        """How many events there are of each type."""
        return Counter(entry.type for entry in self.log())

    def payloads(self, topic: str) -> list[dict[str, Any]]:
        """The payloads of a type, in log order."""
        return [json.loads(entry.payload) for entry in self.log() if entry.type == topic]

    def close(self) -> None:
        """Let go of the last summary."""
        if self.summary is not None:
            self.summary.close()


def order(number: object, *, total: str = "20.00", net: str = "20.00", refund: str = "0.00",
          paid: bool = True, day: int = 1) -> str:
    """A row of the Tmall report."""
    pay_time = f"2020-02-{day:02d} 10:05:00" if paid else ""
    return f"{number},{total},{net},上海,2020-02-{day:02d} 10:00:00,{pay_time},{refund}"


def counts(summary: Summary) -> tuple[int, int, int, int]:
    """(rows, accepted, rejected, duplicates)"""
    return summary.rows, summary.accepted, summary.rejected, summary.duplicates


def codes(summary: Summary) -> list[tuple[int, str, str]]:
    """(row, column, code) of every fault."""
    return [(fault.row, fault.column, fault.code) for fault in summary.faults]
