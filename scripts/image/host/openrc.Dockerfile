# For a test: a host with OpenRC instead of systemd and busybox for a shell, as Alpine has them. The packages are Debian's.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN set -eu; export DEBIAN_FRONTEND=noninteractive; \
    apt-get update -qq; \
    apt-get install -qq -y --no-install-recommends busybox ca-certificates git openrc > /dev/null; \
    cd /tmp; \
    apt-get download -qq docker.io; \
    dpkg-deb --fsys-tarfile docker.io_*.deb | tar --extract --directory / ./usr/bin/docker; \
    rm -rf /tmp/*.deb /var/lib/apt/lists/*; \
    # No interface of a container is OpenRC's to bring up.
    echo 'rc_provide="loopback net"' >> /etc/rc.conf
