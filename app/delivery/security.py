"""How Kafka's clients make sure whom they speak to, and say who they are: the same for Faust's and for librdkafka's."""

from dataclasses import dataclass, field
from ssl import SSLContext, create_default_context

from faust.auth import SASLCredentials, SSLCredentials
from faust.types.auth import CredentialsT

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True)
class Security:
    """`protocol` and `mechanism` are Kafka's own names.

    Files are PEM: `ca_file` has whom the brokers' certificates must be signed by (whom the system trusts, when empty),
    the other two prove who a client is to brokers that ask for a certificate.

    Raises `ValueError` for what does not go together.
    """

    protocol: str = "PLAINTEXT"
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    mechanism: str = "SCRAM-SHA-512"
    username: str = ""
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise ValueError(f"the protocol must be one of {', '.join(PROTOCOLS)}, not {self.protocol!r}")
        if self.mechanism not in MECHANISMS:
            raise ValueError(f"the mechanism must be one of {', '.join(MECHANISMS)}, not {self.mechanism!r}")
        if self.logs_in != bool(self.username and self.password):
            raise ValueError("SASL_PLAINTEXT and SASL_SSL need a username and a password, and only they take them")
        if not self.is_encrypted and (self.ca_file or self.certificate_file or self.key_file):
            raise ValueError("SSL and SASL_SSL only take certificates")
        if bool(self.certificate_file) != bool(self.key_file):
            raise ValueError("a certificate and its key go together")

    @property
    def is_encrypted(self) -> bool:
        """Whether what is sent can't be read on the way."""
        return self.protocol.endswith("SSL")

    @property
    def logs_in(self) -> bool:
        """Whether clients say who they are by a password."""
        return self.protocol.startswith("SASL_")

    def clients(self) -> dict[str, str]:
        """What librdkafka's clients are told, beside the brokers' addresses."""
        told = {
            "security.protocol": self.protocol,
            "ssl.ca.location": self.ca_file,
            "ssl.certificate.location": self.certificate_file,
            "ssl.key.location": self.key_file,
            "sasl.mechanism": self.mechanism if self.logs_in else "",
            "sasl.username": self.username,
            "sasl.password": self.password,
        }
        return {} if self.protocol == "PLAINTEXT" else {name: value for name, value in told.items() if value}

    def faust(self) -> CredentialsT | None:
        """What Faust's clients are told. Raises `OSError` for a file that can't be used."""
        context = self._context() if self.is_encrypted else None
        if self.logs_in:
            return SASLCredentials(
                username=self.username, password=self.password, ssl_context=context, mechanism=self.mechanism
            )
        return None if context is None else SSLCredentials(context)

    def _context(self) -> SSLContext:
        context = create_default_context(cafile=self.ca_file or None)
        if self.certificate_file:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context


OPEN = Security()
"""For a Kafka that lets in everybody who reaches it."""
