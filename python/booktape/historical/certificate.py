"""The certificate that this machine shows to its own programs, since the Python client speaks TLS and nothing else.

An authority of its own signs it, whose key is never written: nothing else can be signed by what programs are told to
trust.
"""

import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LASTS = timedelta(days=397)
"""How long a certificate is good."""
RENEWED = timedelta(days=60)
"""How long before its end another takes its place."""
_NAMES: list[x509.GeneralName] = [
    x509.DNSName("localhost"),
    x509.IPAddress(ip_address("127.0.0.1")),
    x509.IPAddress(ip_address("::1")),
]
_EARLIER = timedelta(hours=1)
"""Clocks differ."""


@dataclass(frozen=True)
class Certificate:
    """Where it is kept."""

    authority: Path
    """What clients are told to trust."""
    server: Path
    """The certificate with its key, for nobody else to read."""

    @classmethod
    def kept_in(cls, data_dir: Path, now: datetime | None = None) -> Self:
        """The certificate of a data folder, made where there is none that is good for long enough."""
        folder = data_dir / "tls"
        kept = cls(folder / "ca.pem", folder / "server.pem")
        now = now or datetime.now(UTC)
        if not kept.is_good(now + RENEWED):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            kept._make(now)
        return kept

    def is_good(self, at: datetime) -> bool:
        """Whether there is one, signed by the authority beside it, that is good at a time."""
        try:
            authority = x509.load_pem_x509_certificate(self.authority.read_bytes())
            server = x509.load_pem_x509_certificate(self.server.read_bytes())
            server.verify_directly_issued_by(authority)
        except (OSError, ValueError, TypeError) as _unusable:
            return False
        except Exception:  # noqa: BLE001 - a signature that is another's; cryptography has an error for each algorithm
            return False
        return min(authority.not_valid_after_utc, server.not_valid_after_utc) > at

    def load_into(self, context: ssl.SSLContext) -> None:
        """Has new connections shown it."""
        context.load_cert_chain(self.server)

    def _make(self, now: datetime) -> None:
        authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        named = _named("booktape of this machine")
        authority = (
            _begun(named, named, authority_key.public_key(), now)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_uses(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
        server = (
            _begun(_named("booktape"), named, key.public_key(), now)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_uses(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(_NAMES), critical=False)
            .add_extension(issuer, critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _write(self.server, server.public_bytes(serialization.Encoding.PEM) + private)
        _write(self.authority, authority.public_bytes(serialization.Encoding.PEM), mode=0o644)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + LASTS)
    )


def _uses(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Whole or not at all, and never readable by others before it has its mode."""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as part:
        try:
            part.write(content)
            part.flush()
            os.fchmod(part.fileno(), mode)
            Path(part.name).replace(path)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise
