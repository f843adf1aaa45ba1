"""All projections of this version."""

from projections.deductions import Deductions
from projections.fulfilment import Fulfilment
from projections.inventory import Stock
from projections.months import Months
from projections.order_book import OrderBook
from projections.people import People
from projections.returns import Returns
from projections.timeline import Timeline

PROJECTIONS = (OrderBook(), Fulfilment(), Stock(), Returns(), Months(), Deductions(),
               People(), Timeline())
