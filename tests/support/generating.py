"""A client in Python that a public generator makes of the description of the API."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SETTINGS = {
    "project_name_override": "made_client", "package_name_override": "made_client",
    "post_hooks": [],
    "content_type_overrides": {
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":
            "application/octet-stream"}}
"""How it is generated. What the generator does not know is a file for it."""


def generate(spec: dict[str, Any], folder: Path) -> str:
    """Make the package `made_client` in a folder. Returns what the generator says."""
    described, settings = folder / "openapi.json", folder / "settings.json"
    described.write_text(json.dumps(spec), "utf-8")
    settings.write_text(json.dumps(SETTINGS), "utf-8")
    done = subprocess.run(
        [Path(sys.executable).parent / "openapi-python-client", "generate", "--meta", "none",
         "--path", described, "--config", settings, "--output-path", folder / "made_client"],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
