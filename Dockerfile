# Three images from one lock; docs/machines.md shows how to build and run them.
#   mlflow    MLflow's server, for PostgreSQL and S3
#   pipeline  `dvc repro` and all else
#   serve     the model in service, over HTTP; `python -m src.predict` as well (the default)
FROM python:3.11-slim-bookworm AS base
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1 \
    MLFLOW_DISABLE_TELEMETRY=true NO_ALBUMENTATIONS_UPDATE=1
RUN useradd --create-home --uid 1000 app && mkdir /app && chown app:app /app
WORKDIR /app
COPY requirements-cluster.txt ./

FROM base AS mlflow
RUN pip install -c requirements-cluster.txt mlflow psycopg2-binary boto3
USER 1000
EXPOSE 5000
HEALTHCHECK --start-period=60s CMD ["python", "-c", \
    "import urllib.request as r; r.urlopen('http://127.0.0.1:5000/health', timeout=5)"]
CMD ["mlflow", "server", "--host", "0.0.0.0", "--port", "5000"]

FROM base AS pipeline
# DVC needs git, and `make run` make. Debian drops old releases, so they are not pinned.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*
COPY requirements.txt ./
RUN pip install -r requirements.txt && pip install -c requirements-cluster.txt dvc-s3 boto3
# The repository itself is mounted: its data and its history are not the image's.
USER 1000
HEALTHCHECK NONE
CMD ["dvc", "repro"]

FROM base AS serve
COPY pyproject.toml README.md ./
COPY src src
RUN pip install -c requirements-cluster.txt '.[predict]' mlflow
USER 1000
ENV MODEL=models:/listings@champion
EXPOSE 8080
HEALTHCHECK --start-period=120s CMD ["python", "-c", \
    "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/ping', timeout=5)"]
CMD ["sh", "-c", "exec mlflow models serve -m \"$MODEL\" --env-manager local --host 0.0.0.0 --port 8080"]
