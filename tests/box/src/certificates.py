"""Makes certificates for tests: an authority, and what it has signed or should not have."""

import datetime
import ipaddress
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FOLDER = Path(sys.argv[1])
NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


def make(name, signer=None, address=None, begins=NOW - DAY, ends=NOW + DAY, names=()):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, issuer_key = signer or (subject, key)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)
    builder = builder.add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
    names = list(names) + ([x509.IPAddress(ipaddress.ip_address(address))] if address else [])
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if signer:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = builder.add_extension(usage, critical=False)
    certificate = builder.sign(issuer_key, hashes.SHA256())
    (FOLDER / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    octets = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (FOLDER / f"{name}.key").write_bytes(octets)
    return subject, key


authority = make("authority")
make("cloud", authority, "127.0.0.1")
make("expired", authority, "127.0.0.1", NOW - 9 * DAY, NOW - DAY)
make("elsewhere", authority, "192.0.2.1")
make("unknown", make("stranger"), "127.0.0.1")
make("box", authority)

# Of a provider of telephony: its domain as HTTPS has it and as SIP has it (RFC 5922), and that of somebody else.
domain = [x509.DNSName("provider.test")]
make("provider", authority, names=domain)
make("provider-uri", authority, names=[x509.UniformResourceIdentifier("sip:provider.test")])
make("provider-expired", authority, begins=NOW - 9 * DAY, ends=NOW - DAY, names=domain)
make("provider-elsewhere", authority, names=[x509.DNSName("sbc.provider.test")])
make("provider-unknown", make("another-stranger"), names=domain)
