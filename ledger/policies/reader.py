"""Policy files: YAML written by people, read strictly, every number as it is printed."""

from pathlib import Path
from typing import Any

import msgspec
import yaml

from ledger.common.errors import Fault, Invalid, NotFound
from ledger.policies.values import Policy, Sections

PACKAGED = Path(__file__).parent / "files"
LARGEST = 1 << 20


class PolicyFileUnknown(NotFound):
    """There is no policy {name!r}. Shipped are {known}; give the path of any other YAML file."""

    code = "policy_file_unknown"
    rule = "R-POL-01"


class PolicyFileUnreadable(Invalid):
    """{name} is not a policy file: {why}"""

    code = "policy_file_unreadable"
    rule = "R-POL-02"


def known() -> list[str]:
    """The names of the policies that are shipped."""
    return sorted(path.stem for path in PACKAGED.glob("*.yaml"))


def read(name: str) -> Policy:
    """The policy of a file, or a shipped one by its name.

    Errors: PolicyFileUnknown (R-POL-01), PolicyFileUnreadable (R-POL-02).
    """
    path = PACKAGED / f"{name}.yaml"
    if not name.replace("-", "").isalnum() or not path.is_file():
        path = Path(name)
    if not path.is_file():
        raise PolicyFileUnknown(name=name, known=", ".join(known()))
    if path.stat().st_size > LARGEST:
        raise PolicyFileUnreadable(name=name, why=f"it is larger than {LARGEST} bytes")
    try:
        return parse(name, path.read_bytes().decode())
    except UnicodeDecodeError as error:
        raise PolicyFileUnreadable(name=name, why=f"byte {error.start} is not UTF-8") from None


def parse(name: str, text: str) -> Policy:
    """The policy of a text. Errors: PolicyFileUnreadable (R-POL-02)."""
    try:
        document = yaml.load(text, _Strict)
    except RecursionError:
        raise PolicyFileUnreadable(name=name, why="it is nested too deeply") from None
    except yaml.YAMLError as error:
        raise PolicyFileUnreadable(name=name, why=" ".join(str(error).split())) from None
    if not isinstance(document, dict):
        raise PolicyFileUnreadable(name=name, why="it is not a mapping")
    head = {key: value for key, value in document.items() if key in ("title", "source", "notes")}
    sections = {key: value for key, value in document.items() if key not in head}
    if unknown := sorted(set(sections) - set(Sections.__struct_fields__)):
        raise PolicyFileUnreadable(
            name=name, why=f"it has unknown sections ({', '.join(unknown)}); there are "
                           f"{', '.join(Sections.__struct_fields__)}")
    for rule in sections.get("rules") or ():
        if isinstance(rule, dict) and isinstance(rule.get("charges"), dict):
            rule["charges"] = {party: _points(points)
                               for party, points in rule["charges"].items()}
    try:
        return msgspec.convert({**head, "sections": sections}, Policy, strict=False)
    except msgspec.ValidationError as error:
        raise PolicyFileUnreadable(name=name, why=str(error)) from None


def _points(printed: Any) -> Any:
    """A single number is both the least and the most; `none` means that no points are printed."""
    if printed == "none":
        return []
    return [printed, printed] if isinstance(printed, str) else printed


class _Strict(yaml.BaseLoader):
    """Leaves every value as the text that it is. Refuses a key that appears twice, and references,
    with which a short file could become a huge one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """A node. Errors: ComposerError."""
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.composer.ComposerError(
                None, None, "there is a reference (*name) here; write it out",
                self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping. Errors: ConstructorError."""
        found = super().construct_mapping(node, deep=deep)
        if len(found) < len(node.value):
            raise yaml.constructor.ConstructorError(
                None, None, "a key appears twice in a mapping", node.start_mark)
        return found


def faults_at(faults: list[Fault], name: str) -> list[Fault]:
    """Faults, each with the name of the file that it is in."""
    return [Fault(f"{name}{fault.where}", fault.code, fault.message) for fault in faults]
