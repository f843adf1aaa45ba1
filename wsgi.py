"""Where `flask` finds the application."""

from api import create_app

app = create_app()
