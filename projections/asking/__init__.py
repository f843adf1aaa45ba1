"""How questions are put: both clocks, filters, and answers from rows or by replay."""
