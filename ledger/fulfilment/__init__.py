"""Where orders and stock meet: reserving, waiting, and stock that follows an order's lines."""
