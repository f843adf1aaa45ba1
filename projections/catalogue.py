"""All projections of this version."""

from projections.audit.timeline import Timeline
from projections.deductions import Deductions
from projections.names import Names
from projections.orders.book import OrderBook
from projections.orders.fulfilment import Fulfilment
from projections.people.rows import People
from projections.returns import Returns
from projections.scores.accounts import Months
from projections.stock.approvals import Approvals
from projections.stock.inventory import Stock
from projections.stock.transfers import Transfers

PROJECTIONS = (OrderBook(), Fulfilment(), Stock(), Transfers(), Approvals(), Returns(), Months(),
               Deductions(), People(), Names(), Timeline())
