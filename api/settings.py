"""Settings of the server: environment variables that begin with WANGGE_, or arguments of `Settings(...)`."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

__all__ = ["LOOPBACK_HOSTS", "Settings", "is_loopback"]

#: Names under which a browser on this machine reaches the server.
LOOPBACK_HOSTS: tuple[str, ...] = ("127.0.0.1", "localhost", "::1")

_KEY = re.compile(r"[^:,]{1,60}:[0-9a-fA-F]{64}")


def _default_web_root() -> Path:
    return Path(__file__).resolve().parents[1] / "web_map" / "dist"


class Settings(BaseSettings):
    """What the server needs to know before it starts; nothing of it changes while it runs."""

    model_config = SettingsConfigDict(env_prefix="WANGGE_", frozen=True, extra="ignore")

    db: str | None = Field(
        None, description="Store: a path, sqlite:///path or postgresql://...; None: the embedded file."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    web_root: Path = Field(default_factory=_default_web_root, description="Folder of the built front end.")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Host names besides the loopback ones, separated by commas; * for any."
    )
    behind_proxy: bool = Field(
        False, description="A proxy or a container in front decides who may come in: listen on any address."
    )
    max_body_mb: float = Field(16.0, gt=0, description="Largest body of a request in megabytes.")
    attachments: str = Field(
        "",
        description="Where files of cases are kept: a folder, or s3://bucket/prefix; empty: beside the store.",
    )
    attachment_mb: float = Field(15.0, gt=0, description="Largest file of a case in megabytes.")
    webhook_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Networks besides the public ones that webhooks may call, separated by commas."
    )
    s3_endpoint: str = Field("", description="URL of an S3 that is not Amazon's.")
    max_points: int = Field(100_000, ge=1, description="Most points in one request to locate.")
    max_page: int = Field(10_000, ge=1, description="Most features in one page.")
    cache_mb: float = Field(256.0, gt=0, description="Memory for answers that are kept ready, in megabytes.")
    cache_plans: int = Field(4, ge=1, description="Plans whose grids and index are kept in memory.")
    max_jobs: int = Field(2, ge=1, description="Rebalancing and cutting anew that may run at once.")
    workers: int = Field(1, ge=1, le=64, description="Server processes; more than one need PostGIS.")
    open311_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Who may report through Open311: name:SHA-256 of the key, separated by commas."
    )
    warm: bool = Field(True, description="Prepare the newest plan in the background when the server starts.")

    @field_validator("allowed_hosts", "webhook_allow", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    @field_validator("open311_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        if isinstance(value, str):
            value = tuple(part.strip() for part in value.split(",") if part.strip())
        if not isinstance(value, tuple | list) or not all(_KEY.fullmatch(str(part)) for part in value):
            raise ValueError("each is written name:HASH, the hash being 64 hexadecimal digits of SHA-256")
        return tuple(
            f"{name}:{digest.lower()}" for name, _, digest in (part.rpartition(":") for part in value)
        )

    @field_validator("webhook_allow")
    @classmethod
    def _require_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            ipaddress.ip_network(each)
        return value

    @property
    def webhook_networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The networks of `webhook_allow`."""
        return tuple(ipaddress.ip_network(each) for each in self.webhook_allow)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Tell whether an address is one of this machine; a name may lead anywhere."""
    if host in LOOPBACK_HOSTS:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
