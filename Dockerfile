# The API with the built map. `docker compose up` starts it beside PostGIS.
FROM python:3.11-slim-bookworm AS build
WORKDIR /srv/wangge
COPY . .
RUN scripts/setup

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin wangge \
    && install -d -o 10001 -g 10001 /srv/attachments /srv/kernels
WORKDIR /srv/wangge
COPY --from=build /srv/wangge/.venv .venv
COPY --from=build /srv/wangge/web_map/dist web_map/dist
COPY pyproject.toml LICENSE ./
COPY gis_core gis_core
COPY api api
COPY data data
ENV PATH=/srv/wangge/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMBA_CACHE_DIR=/srv/kernels \
    WANGGE_HOST=0.0.0.0 \
    WANGGE_PORT=8000 \
    WANGGE_BEHIND_PROXY=1
USER 10001:10001
# Compiled once here, and not while the first caller waits.
RUN python -m gis_core.locate.warm
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["wangge", "serve"]
