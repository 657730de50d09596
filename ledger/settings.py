"""What a deployment sets by its environment (`SOUCHE_…`)."""

import os
import sys
from pathlib import Path
from typing import Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

# Processes that answer, unless somebody says otherwise. Each is one busy core; of two cores the
# second one takes what the database leaves, and a third process has nothing left to take.
WORKERS: Final = min(2, len(os.sched_getaffinity(0)) if sys.platform == "linux" else 2)
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Settings(BaseSettings):
    """One ledger's settings. An unknown `SOUCHE_…` name is not an error; a wrong value is."""

    model_config = SettingsConfigDict(env_prefix="SOUCHE_", extra="ignore", frozen=True)

    data: Path = Field(Path("var/ledger"), description="Folder of the database, secrets and logs.")
    database_url: str | None = Field(
        None, description="A PostgreSQL of yours (15 or later); without it we run our own."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=1, le=65535, description="Port to listen on.")
    authority: str | None = Field(
        None, description="Host and port as terminals see them; signatures cover it."
    )
    tls: bool = Field(default=False, description="Declare that TLS ends in front of this service.")
    proxies: int = Field(
        0,
        ge=0,
        le=8,
        description="Proxies of yours in front, each adding to X-Forwarded-For where a request "
        "came from. Only so many are believed; with 0, all behind a proxy share one address.",
    )
    followers: bool = Field(default=True, description="Run the projections beside the service.")

    @property
    def address(self) -> str:
        """Where it listens, as a URL has it: `127.0.0.1:8080`, `[::1]:8080`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def signed_authority(self) -> str:
        """What signatures are made over, lower case: `clearing.example.org` or `127.0.0.1:8080`."""
        return (self.authority or self.address).lower()

    @property
    def is_exposed(self) -> bool:
        """Whether others could read the terminals' secrets on their way."""
        return self.host not in LOOPBACK and not self.tls
