# The worker as an image: small, without a compiler, run by nobody in particular, able to live on a read-only root.
#
#   docker build --tag order-processor .
#   docker run --rm --read-only --tmpfs /tmp -e KAFKA_URL=kafka://… -e MONGO_URL=mongodb://… -p 6066:6066 order-processor
#
# Every command of `faust -A app.main` can be given in place of `worker`.
FROM python:3.12-slim-bookworm AS build
COPY requirements-uv.lock requirements-run.lock /src/
ENV VIRTUAL_ENV=/opt/venv
RUN python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /src/requirements-uv.lock \
    && /opt/venv/bin/uv pip install --require-hashes -r /src/requirements-run.lock
COPY pyproject.toml setup.cfg README.md LICENSE /src/
COPY app /src/app
COPY agents /src/agents
COPY tables /src/tables
COPY views /src/views
COPY schemas /src/schemas
RUN /opt/venv/bin/uv pip install --no-deps /src && /opt/venv/bin/uv pip uninstall uv pip setuptools

FROM python:3.12-slim-bookworm
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 PORT=6066 DATA_DIR=/tmp/worker
USER 10001:10001
WORKDIR /tmp
EXPOSE 6066
# Recovery may take its time: until then the worker lives, and only /health/ready says no.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health/live', timeout=4)"]
ENTRYPOINT ["faust", "-A", "app.main", "-L", "uvloop"]
CMD ["worker"]
