# For a test: a team's own image. It has git and a toolchain of its own (Python), and nothing of ours.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN set -eu; export DEBIAN_FRONTEND=noninteractive; \
    apt-get update -qq; \
    apt-get install -qq -y --no-install-recommends git python3-minimal > /dev/null; \
    rm -rf /var/lib/apt/lists/*
