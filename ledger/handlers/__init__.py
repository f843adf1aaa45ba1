"""One function a command: it loads what the command needs, asks the rules, returns what changed."""
