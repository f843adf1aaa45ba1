"""What all facts stand on: aggregates, commands, the registry of event types, the log's clock."""
