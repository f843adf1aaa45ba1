"""A server says what is wrong with its address before it starts."""

import socket

import pytest
from click.testing import CliRunner

from api.cli.commands import serve_command
from api.http.binding import DEFAULT_BIND, BadBind, CannotListen, bind_of, must_be_free


@pytest.mark.parametrize("text", ["", "127.0.0.1:8000", "localhost:1", "[::1]:65535", "0.0.0.0:80"])
def test_bind__accepted(text: str) -> None:
    assert bind_of({"LEDGER_BIND": text}) == (text or DEFAULT_BIND)


@pytest.mark.parametrize("text", ["foo", "127.0.0.1", ":8000", "127.0.0.1:", "127.0.0.1:0",
                                  "127.0.0.1:65536", "127.0.0.1:99999", "127.0.0.1:http", "8000",
                                  "::1:8000", "http://127.0.0.1:8000", "127.0.0.1:８０００"])
def test_bind__rejected_when_it_is_no_host_and_port(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadBind):
        bind_of({"LEDGER_BIND": text})
    monkeypatch.setenv("LEDGER_BIND", text)
    monkeypatch.setenv("LANG", "C.UTF-8")
    result = CliRunner().invoke(serve_command)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("LEDGER_BIND is ")


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
def test_bind__rejected_where_another_listens(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or where there is no such host."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("LEDGER_BIND", f"{host}:{port}")
        monkeypatch.setenv("LANG", "C.UTF-8")
        result = CliRunner().invoke(serve_command)
        with pytest.raises(CannotListen):
            must_be_free(f"{host}:{port}")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"LEDGER_BIND is {host}:{port}, and the server cannot listen")
    must_be_free(f"127.0.0.1:{port}")
