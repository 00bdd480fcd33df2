"""Who may come in, and what they are shown."""

import socket
import ssl
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import databento
import httpx
import pytest
from cryptography import x509

import booktape as bt
from booktape.cli.exits import Exit
from booktape.historical import Certificate, companion
from booktape.historical.certificate import LASTS, RENEWED
from booktape.service.app import Service
from booktape.settings import Settings
from tests.historical.gateway import KEY, PATIENCE, gateway

DATASET = "GLBX.MDP3"
OTHER = "db-abcdefghijklmnopqrs0123456789"


def test_keys_are_asked_for_where_there_are_some(tape: bt.Tape, tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "gateway_keys": f"{OTHER},{KEY}"})
    assert KEY not in repr(settings)
    with gateway(tape, settings=settings) as running:
        assert running.client().metadata.list_datasets() == [DATASET]
        assert running.client(OTHER).metadata.list_datasets() == [DATASET]
        with pytest.raises(databento.BentoClientError) as refused:
            running.client(KEY[:-1]).metadata.list_datasets()
        assert refused.value.http_status == 401
        assert str(refused.value).startswith("401 auth_authentication_failed\nAuthentication failed.")
        with running.http(key=None) as client:
            for headers in ({}, {"authorization": "Basic ?"}, {"authorization": f"Bearer {KEY}"}):
                assert client.get("/v0/metadata.list_datasets", headers=headers).status_code == 401


def test_any_key_will_do_where_there_are_none(tape: bt.Tape, tmp_path: Path) -> None:
    with gateway(tape, settings=Settings(data_dir=tmp_path)) as running:
        assert running.client("anything").metadata.list_datasets() == [DATASET]


async def test_without_keys_only_this_machine_may_come(tape: bt.Tape, tmp_path: Path) -> None:
    service = Service([tape], Settings(data_dir=tmp_path), beside=[companion(0, host="0.0.0.0")])
    with pytest.raises(bt.ParameterError, match="BOOKTAPE_GATEWAY_KEYS"):
        async with service.running():
            pass


def test_plain_http_where_it_is_asked_for(tape: bt.Tape, tmp_path: Path) -> None:
    with gateway(tape, settings=Settings(data_dir=tmp_path), http=True) as running:
        assert running.url.startswith("http://127.0.0.1:")
        assert running.authority is None
        assert httpx.get(f"{running.url}/v0/metadata.list_datasets", auth=(KEY, "")).json() == [DATASET]
        assert not (tmp_path / "tls").exists()


def test_the_certificate_is_kept_until_it_nears_its_end(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    kept = Certificate.kept_in(tmp_path, now)
    made = kept.server.read_bytes()
    assert Certificate.kept_in(tmp_path, now + LASTS - RENEWED - timedelta(days=1)).server.read_bytes() == made
    assert Certificate.kept_in(tmp_path, now + LASTS - RENEWED + timedelta(seconds=1)).server.read_bytes() != made


@pytest.mark.parametrize("damage", ["gone", "garbage", "another authority"])
def test_a_certificate_that_cannot_be_used_is_made_again(damage: str, tmp_path: Path) -> None:
    kept = Certificate.kept_in(tmp_path)
    match damage:
        case "gone":
            kept.server.unlink()
        case "garbage":
            kept.authority.write_bytes(b"garbage")
        case _:
            other = Certificate.kept_in(tmp_path / "other")
            kept.authority.write_bytes(other.authority.read_bytes())
    assert not kept.is_good(datetime.now(UTC))
    assert Certificate.kept_in(tmp_path).is_good(datetime.now(UTC))


def test_its_key_is_for_nobody_else_and_the_authority_has_none(tmp_path: Path) -> None:
    kept = Certificate.kept_in(tmp_path)
    assert stat.S_IMODE(kept.server.stat().st_mode) == 0o600
    assert b"PRIVATE KEY" in kept.server.read_bytes()
    assert b"PRIVATE KEY" not in kept.authority.read_bytes()
    assert sorted(path.name for path in kept.server.parent.iterdir()) == ["ca.pem", "server.pem"]
    names = x509.load_pem_x509_certificate(kept.server.read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.DNSName) == ["localhost"]
    context = ssl.create_default_context(cafile=str(kept.authority))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    assert context.cert_store_stats()["x509_ca"] == 1


@pytest.mark.parametrize(
    ("others", "code", "says"),
    [([], Exit.PORT_IN_USE, "cannot listen on"), (["--host", "0.0.0.0"], Exit.USAGE, "keys")],
)
def test_a_gateway_that_cannot_begin_ends_the_command_with_a_word(
    others: list[str], code: Exit, says: str, tape_file: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1]) if not others else "0"
        command = ["serve", "--port", "0", "--no-store", "--historical-port", port, *others, str(tape_file)]
        ran = subprocess.run(
            [sys.executable, "-m", "booktape", *command], capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    assert ran.returncode == code, ran.stderr
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr
