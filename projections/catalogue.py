"""All projections of this version."""

from projections.fulfilment import Fulfilment
from projections.inventory import Stock
from projections.order_book import OrderBook
from projections.returns import Returns
from projections.timeline import Timeline

PROJECTIONS = (OrderBook(), Fulfilment(), Stock(), Returns(), Timeline())
