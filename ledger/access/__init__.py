"""Who may use the ledger, through a program or a page, and who read what."""
