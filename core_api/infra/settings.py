"""All configuration, read once. Nothing else in the product reads the environment."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from limits import parse_many
from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core_api.infra.machine import available_memory

_RESIDENT_VECTORS_BYTES = 400 * 2**20


def _rate_limit(text: str) -> str:
    parse_many(text)  # raises ValueError
    return text


def _smtp_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("smtp://", "smtps://")):
        raise ValueError("begins with smtp:// or smtps://")
    return url


def _http_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is an address like http://host:4317")
    return url


def _sentry_dsn(dsn: SecretStr) -> SecretStr:
    parts = urlsplit(dsn.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.username or not parts.path.strip("/"):
        raise ValueError("is an address like https://key@host/project")
    return dsn


def _storage_url(url: str) -> str:
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("holds no credentials and no options; they have settings of their own")
    is_bucket = parts.scheme == "s3" and parts.netloc
    is_folder = parts.scheme == "file" and not parts.netloc and parts.path.startswith("/")
    if not (is_bucket or is_folder):
        raise ValueError("is s3://bucket/prefix or file:///a/folder")
    return url


RateLimit = Annotated[str, AfterValidator(_rate_limit)]


class OidcProvider(BaseModel):
    """A place to sign in with: an OpenID Connect issuer, or GitHub, which speaks OAuth2 only."""

    name: str = Field(pattern=r"^[a-z0-9-]{1,64}$", description="Part of addresses: `google`, `company`.")
    label: str = Field(description="What the button says: `Google`.")
    kind: Literal["oidc", "github"] = "oidc"
    issuer: Annotated[str, AfterValidator(_http_url)] | None = Field(
        default=None,
        description="oidc: the issuer's URL, where its configuration is found; github: an Enterprise Server, where it "
        "is not github.com.",
    )
    client_id: str
    client_secret: SecretStr

    @model_validator(mode="after")
    def _an_issuer_is_known(self) -> Self:
        if self.kind == "oidc" and not self.issuer:
            raise ValueError(
                f"the provider `{self.name}` has no `issuer`: give the address under which it publishes "
                "/.well-known/openid-configuration, or set `kind` to `github`"
            )
        return self


def _named_apart(providers: list[OidcProvider]) -> list[OidcProvider]:
    names = [provider.name for provider in providers]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two providers are named `{twice[0]}`: give each a `name` of its own")
    return providers


class Settings(BaseSettings):
    """Settings of one server. Environment variables carry the prefix `NEXUS_`; a `.env` file is read too."""

    model_config = SettingsConfigDict(
        env_prefix="NEXUS_",
        env_file=".env",
        extra="ignore",
        hide_input_in_errors=True,  # it may be a secret, and errors of settings end in logs
    )

    data_dir: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = Field(default=7700, ge=0, le=65535)
    public_url: str | None = Field(default=None, description="The address that people use; default: host and port.")
    server_url: str | None = Field(
        default=None,
        description="Commands talk to this server, as whoever `nexus login` has signed in, instead of working on the "
        "data directory.",
    )
    api_key: SecretStr | None = Field(
        default=None, description="Commands act as the person of this API key, instead of whoever has signed in."
    )
    database_url: str | None = Field(default=None, description="SQLAlchemy URL; default: SQLite in the data directory.")
    storage_url: Annotated[str, AfterValidator(_storage_url)] | None = Field(
        default=None,
        description="Where uploaded files are kept: s3://bucket/prefix, or file:///a/folder; "
        "default: the data directory.",
    )
    storage_endpoint_url: Annotated[str, AfterValidator(_http_url)] | None = Field(
        default=None, description="An S3-compatible server (http://minio:9000); default: Amazon S3."
    )
    storage_region: str | None = None
    storage_access_key: SecretStr | None = Field(
        default=None, description="With `storage_secret_key`; default: where AWS's own tools look for credentials."
    )
    storage_secret_key: SecretStr | None = None
    storage_cache_bytes: int = Field(
        default=2 * 2**30,
        ge=0,
        description="Of files in S3 a copy of what was used last stays in the data directory, about so much in all.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    # metrics, traces and error reports
    metrics_token: SecretStr | None = Field(
        default=None, description="Who shows it may read the metrics; default: this machine may, and nobody else."
    )
    metrics_host: str = Field(default="127.0.0.1", description="Where workers and beat serve their metrics.")
    metrics_port: int | None = Field(
        default=None, ge=0, le=65535, description="The port for that; default: they do not. The API has `/metrics`."
    )
    otlp_endpoint: Annotated[str, AfterValidator(_http_url)] | None = Field(
        default=None, description="An OpenTelemetry collector (gRPC, http://host:4317) that takes traces."
    )
    otlp_sample_share: float = Field(default=1.0, ge=0, le=1, description="Share of the requests that are traced.")
    sentry_dsn: Annotated[SecretStr, AfterValidator(_sentry_dsn)] | None = Field(
        default=None, description="Where unexpected errors are reported, without their words."
    )

    # limits
    max_upload_bytes: int = Field(default=200 * 2**20, gt=0)
    max_json_bytes: int = Field(default=8 * 2**20, gt=0)
    min_free_bytes: int = Field(
        default=100 * 2**20, ge=0, description="With less free disk nothing is taken in or indexed; reading goes on."
    )

    # accounts
    registration: Literal["open", "invite", "closed"] = Field(
        default="invite", description="Who may make an account: anyone, whoever was invited, or nobody."
    )
    session_days: int = Field(default=14, gt=0, description="A browser session ends after so long without use.")
    sign_in_link_minutes: int = Field(default=24 * 60, gt=0)
    access_token_minutes: int = Field(default=15, gt=0)
    refresh_token_days: int = Field(default=30, gt=0)
    signing_key_days: int = Field(default=30, gt=0, description="A new key signs access tokens after so long.")
    mail_link_minutes: int = Field(default=60, gt=0, description="Links to verify an address or reset a password.")
    invitation_days: int = Field(default=14, gt=0)
    admin_mfa_required: bool = Field(default=False, description="Admins must have a second factor to do anything else.")
    secret_keys: list[SecretStr] = Field(
        default=[],
        description="Keys that encrypt secrets at rest, the first for writing (`nexus secret-key` makes one); "
        "default: one in the data directory.",
    )
    oidc_providers: Annotated[list[OidcProvider], AfterValidator(_named_apart)] = []

    # mail
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)] | None = Field(
        default=None,
        description="smtp://user:password@host:587 (STARTTLS where offered) or smtps://…:465; "
        "default: mail is written to the data directory.",
    )
    mail_from: str = "Nexus Stream <nexus@localhost>"

    # web protection
    cors_origins: list[str] = Field(default=[], description="Origins of other web apps that may call the API.")
    rate_limit_requests: RateLimit = Field(default="1200/minute", description="Of one person, and of one address.")
    rate_limit_sign_in: RateLimit = Field(
        default="10/minute", description="Attempts from one address, or for one account."
    )

    # embedding
    embedding_model: str = Field(
        default="default",
        description="`default` (all-MiniLM-L6-v2), or a path or hub name of a sentence-transformers model, "
        "or the model name at `embedding_base_url`.",
    )
    embedding_revision: str | None = None
    embedding_base_url: str | None = Field(default=None, description="An OpenAI-compatible embedding endpoint.")
    embedding_api_key: SecretStr | None = None
    embedding_precision: Literal["fp32", "int8"] = "fp32"
    embedding_languages: list[str] = Field(
        default=["en"],
        description="Language codes that the embedding model knows, `*` for all; a query in another language is "
        "searched by keywords only.",
    )
    embedding_threads: int = Field(default=0, ge=0, description="0: one thread per core.")
    embedding_max_tokens: int | None = Field(
        default=None, ge=16, description="Longest passage; default: what the model reads, 512 at an endpoint."
    )
    embedding_timeout_seconds: float = Field(default=30, gt=0, description="For one request to the endpoint.")
    models_cache: Path | None = Field(
        default=None, description="Where exported embedding models are kept; default: `models` in the data directory."
    )

    # ranking
    search_recency_weight: float = Field(
        default=0.01, ge=0, le=0.2, description="What a source changed just now gains over an old one; 0: nothing."
    )
    search_usage_weight: float = Field(
        default=0.01, ge=0, le=0.2, description="What a source gains that people open from searches; 0: nothing."
    )

    # reranking
    rerank_model: str | None = Field(
        default=None,
        description="A path or hub name of a cross-encoder of sentence-transformers, which reads the best candidates "
        "of a hybrid search again; default: none, as it takes many times what the rest of a search does.",
    )
    rerank_revision: str | None = None
    rerank_precision: Literal["fp32", "int8"] = "fp32"
    rerank_languages: list[str] = Field(
        default=["en"], description="Language codes that it knows, `*` for all; a query in another is not reranked."
    )
    rerank_candidates: int = Field(
        default=20, ge=2, le=100, description="How many of the best passages it reads; the time grows with them."
    )
    rerank_weight: float = Field(
        default=0.7, gt=0, le=1, description="What its word counts for the order, beside the score so far; 1: alone."
    )
    rerank_max_tokens: int | None = Field(
        default=None, ge=16, description="Longest pair of question and passage; default: what the model reads."
    )

    # vectors
    chroma_url: str | None = Field(
        default=None, description="A Chroma server (http://host:8000); default: the embedded one in the data directory."
    )
    resident_vectors_bytes: int | None = Field(
        default=None,
        ge=0,
        description="Memory for vectors of what is searched, which makes search several times faster; default: a tenth "
        "of what the machine or container has, at least 400 MB. 0: Chroma is asked for everything. Each process of the "
        "API has its own.",
    )

    # ingestion
    redis_url: str | None = Field(
        default=None, description="Redis that takes tasks to Celery workers; default: they run in this process."
    )
    ingest_threads: int = Field(default=2, ge=1)
    worker_stop_seconds: float = Field(
        default=30, gt=0, description="A worker that is asked to stop hands back what it has not finished by then."
    )
    ingest_max_tries: int = Field(default=4, ge=1)
    index_lease_seconds: float = Field(
        default=300,
        ge=5,
        description="What a worker that was killed had at hand is taken up by others after so long. Longer than any "
        "one file takes to parse (`parse_timeout_seconds`), or it is worked on twice.",
    )
    parse_timeout_seconds: float = Field(default=120, gt=0)
    parse_memory_bytes: int = Field(default=2 * 2**30, gt=0)
    parse_output_chars: int = Field(default=20_000_000, gt=0)
    archive_max_bytes: int = Field(default=500 * 2**20, gt=0)
    archive_max_members: int = Field(default=2000, gt=0)
    archive_max_ratio: int = Field(default=200, gt=0, description="Largest allowed expansion of an archive.")
    ocr: bool = Field(default=True, description="Recognise text in images and scanned pages where tesseract exists.")

    # search log
    search_log: bool = Field(
        default=True, description="Record searches and what is opened of them: own past queries, and search analytics."
    )
    search_log_days: int = Field(default=90, gt=0, le=3650, description="Recorded searches are deleted after so long.")

    # change of the embedding model
    model_change_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Share of the time, on one core, that building the vectors of another model takes; 1: all cores.",
    )

    # backups
    backup_passphrase: SecretStr | None = Field(
        default=None, description="Backups are encrypted with it; default: only where a passphrase is given."
    )

    # the assistant
    conversation_days: int | None = Field(
        default=None,
        gt=0,
        le=3650,
        description="Conversations that were not used for so long are deleted; default: they are kept.",
    )
    llm_base_url: str | None = None
    llm_model: str | None = None
    llm_models: list[str] = Field(
        default=[], description="More models of the endpoint that an admin may choose, besides `llm_model`."
    )
    llm_timeout_seconds: float = Field(default=60, gt=0, description="For a whole reply of the model.")
    llm_first_token_seconds: float = Field(
        default=30, gt=0, description="Until the model begins to reply, and between two pieces of its reply."
    )
    llm_retries: int = Field(default=2, ge=0, le=10, description="When the endpoint fails for now.")
    llm_prices: dict[str, tuple[float, float]] = Field(
        default={},
        description='What a million tokens cost in and out, by model; `*`: any other. As JSON: {"gpt-x": [0.5, 1.5]}.',
    )
    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")

    @model_validator(mode="after")
    def _storage_keys_come_together(self) -> Self:
        if (self.storage_access_key is None) != (self.storage_secret_key is None):
            raise ValueError("NEXUS_STORAGE_ACCESS_KEY and NEXUS_STORAGE_SECRET_KEY are set together or not at all")
        return self

    @property
    def is_server(self) -> bool:
        """Whether tasks go to workers (server mode), and this process is one of several."""
        return self.redis_url is not None

    @property
    def resolved_database_url(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir / 'nexus.db'}"

    @property
    def resolved_resident_vectors_bytes(self) -> int:
        """Memory for vectors in force."""
        if self.resident_vectors_bytes is not None:
            return self.resident_vectors_bytes
        return max(_RESIDENT_VECTORS_BYTES, available_memory() // 10)

    @property
    def resolved_public_url(self) -> str:
        """The address that links in mail begin with, without a slash at its end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def models_dir(self) -> Path:
        """Where exported embedding models are cached."""
        return self.models_cache or self.data_dir / "models"

    @property
    def vectors_dir(self) -> Path:
        """Where the embedded Chroma keeps its collections."""
        return self.data_dir / "chroma"

    @property
    def keywords_dir(self) -> Path:
        """Where the Tantivy replica lives."""
        return self.data_dir / "keywords"

    @property
    def mail_dir(self) -> Path:
        """Where mail is written when no SMTP server is set."""
        return self.data_dir / "mail"

    @property
    def exports_dir(self) -> Path:
        """Where a server puts what a command on its data directory has asked it for."""
        return self.data_dir / "exports"

    @property
    def files_dir(self) -> Path:
        """Where uploaded files are kept, named by their hash, without a `storage_url`."""
        return self.data_dir / "files"

    @property
    def file_cache_dir(self) -> Path:
        """Where copies of files in S3 are kept."""
        return self.data_dir / "file-cache"
