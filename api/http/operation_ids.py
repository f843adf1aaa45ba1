"""The name of every operation: what a client calls it by. A name never changes and never goes.

A command's is that of its class, a list's that of its report; all others are named here.
"""

import re
from collections.abc import Mapping

from ledger.core.commands import Command

NAMED: Mapping[str, str] = {
    "orders.order": "read_order",
    "orders.order-history": "read_order_history",
    "orders.order-explain": "explain_order",
    "orders.slip": "read_slip",
    "returns.case": "read_case",
    "returns.case-history": "read_case_history",
    "stock.stock-history": "read_stock_history",
    "stock.stock-explain": "explain_stock",
    "stock.warehouses": "list_warehouses",
    "stock.skus": "list_skus",
    "imports.imports": "list_imports",
    "stock.warehouse": "read_warehouse",
    "stock.sku": "read_sku",
    "stock.transfer": "read_transfer",
    "stock.transfers": "list_transfers",
    "stock.movement": "read_movement",
    "stock.count": "read_count",
    "orders.reconciliation": "read_reconciliation",
    "policies.policy": "read_policy",
    "search.search": "search",
    "persons.find": "find_persons",
    "persons.person": "read_person",
    "persons.events": "read_person_events",
    "policies.differences": "compare_policies",
    "policies.deadline": "read_deadline",
    "deductions.deduction": "read_deduction",
    "deductions.deduction-history": "read_deduction_history",
    "scores.explain-score": "explain_score",
    "scores.workbook": "download_scores",
    "imports.import": "start_import",
    "imports.import-progress": "read_import",
    "imports.import-faults": "list_import_faults",
    "imports.import-rows": "list_import_rows",
    "imports.import-warnings": "list_import_warnings",
    "log.head": "read_log_head",
    "log.root": "read_log_root",
    "log.refusals": "list_refusals",
    "log.audit": "list_audit",
    "explaining.explanation": "explain_report",
    "trial.steps": "list_steps",
    "trial.facts": "list_facts",
    "trial.turns": "list_turns",
    "trial.differences": "list_differences",
    "trial.hypothesis": "suppose",
    "trial.hypothesis-steps": "list_supposed_steps",
    "trial.whole": "list_ledger_differences",
    "trial.event": "read_event",
    "operations.livez": "check_liveness",
    "operations.readyz": "check_readiness",
    "operations.metrics": "read_metrics",
    "operations.version": "read_version",
    "description.openapi": "read_description",
    "reference.problem": "read_problem",
    "reference.docs": "read_docs",
    "reference.docs-page": "read_docs_page",
}
"""By endpoint, those that are neither commands nor lists."""


def operation_id(endpoint: str, commands: Mapping[str, type[Command]]) -> str:
    """The name of the operation behind an endpoint; `commands` are those that have a route, by
    their names with a hyphen for the point."""
    if endpoint in NAMED:
        return NAMED[endpoint]
    name = endpoint.partition(".")[2]
    if name in commands:
        return re.sub("(?<=[a-z])(?=[A-Z])", "_", commands[name].__name__).lower()
    return name.replace("-", "_").replace(".", "_")
