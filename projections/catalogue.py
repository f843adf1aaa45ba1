"""All projections of this version."""

from projections.order_book import OrderBook
from projections.timeline import Timeline

PROJECTIONS = (OrderBook(), Timeline())
