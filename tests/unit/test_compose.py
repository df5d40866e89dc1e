"""`docker-compose.yml` and `Dockerfile` keep what they promise; Docker itself cannot run in the tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from api.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES = COMPOSE["services"]


def test_it_has_postgis_and_the_api():
    assert SERVICES.keys() == {"postgis", "api"}
    assert SERVICES["api"]["depends_on"] == {"postgis": {"condition": "service_healthy"}}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_watched_and_not_root(name):
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= service["healthcheck"].keys()
    assert service["user"] not in ("root", "0", "0:0")
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_bound_to_the_loopback_address(name):
    assert SERVICES[name]["ports"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name]["ports"])


def test_the_data_live_in_a_named_volume():
    (mount,) = SERVICES["postgis"]["volumes"]
    volume, place = mount.split(":")
    assert volume in COMPOSE["volumes"]
    assert place == "/var/lib/postgresql/data"


def test_files_of_cases_and_compiled_kernels_live_in_named_volumes():
    kept = {"attachments": "/srv/attachments", "kernels": "/srv/kernels"}
    assert SERVICES["api"]["environment"]["WANGGE_ATTACHMENTS"] == "${WANGGE_ATTACHMENTS:-/srv/attachments}"
    assert "NUMBA_CACHE_DIR=/srv/kernels" in DOCKERFILE
    for volume, place in kept.items():
        assert f"{volume}:{place}" in SERVICES["api"]["volumes"]
        assert volume in COMPOSE["volumes"]
    assert f"install -d -o 10001 -g 10001 {' '.join(kept.values())}" in DOCKERFILE


def test_it_ends_by_itself_before_it_is_killed():
    from api.workers import _END_S

    assert SERVICES["api"]["init"] is True
    assert float(SERVICES["api"]["stop_grace_period"].removesuffix("s")) >= _END_S + 10


def test_passwords_come_from_outside_and_are_required():
    for service, variable in (("postgis", "POSTGRES_PASSWORD"), ("api", "PGPASSWORD")):
        assert re.fullmatch(r"\$\{WANGGE_DB_PASSWORD:\?[^}]+\}", SERVICES[service]["environment"][variable])
    for service in SERVICES.values():
        for value in service["environment"].values():
            assert not re.search(r"://[^/@]*:[^/@]*@", value or "")


def test_images_are_pinned_and_the_api_is_built_here():
    assert re.search(r":\d", SERVICES["postgis"]["image"])
    assert SERVICES["api"]["build"] == "."
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)
    assert bases
    assert all(re.search(r":\d", base) for base in bases)


def test_the_image_runs_as_the_user_of_the_compose_file():
    assert re.findall(r"^USER (\S+)", DOCKERFILE, flags=re.MULTILINE) == [SERVICES["api"]["user"]]


def test_what_the_image_copies_is_in_the_repository():
    for line in re.findall(r"^COPY (?!--from)(.+)", DOCKERFILE, flags=re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source


def test_the_settings_of_the_image_are_settings_of_the_server(monkeypatch):
    named = set(re.findall(r"\bWANGGE_([A-Z_]+)=", DOCKERFILE)) | {
        name.removeprefix("WANGGE_") for name in SERVICES["api"]["environment"] if name.startswith("WANGGE_")
    }
    assert {name.lower() for name in named} <= Settings.model_fields.keys()
    # What decides who is heard, told, and where files go can be set without another compose file.
    assert {"ALLOWED_HOSTS", "OPEN311_KEYS", "S3_ENDPOINT", "WEBHOOK_ALLOW", "WORKERS"} <= named
