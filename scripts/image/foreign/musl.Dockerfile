# For a test: an image whose only dynamic C library is musl, made of Debian's packages because no others can be relied on
# where the tests run. What an Alpine image has from its own packages (git, libstdc++) is Debian's here, loaded by musl with
# the help of musl-shim.c. The shell is busybox: there is no bash.
ARG BASE_IMAGE
FROM ${BASE_IMAGE} AS parts
LABEL org.windshift.stage=foreign-parts
COPY musl-shim.c /build/
RUN set -eu; cd /build; \
    apt-get update -qq; \
    apt-get download -qq busybox-static git libgcc-s1 libpcre2-8-0 libstdc++6 musl tcc zlib1g; \
    for package in *.deb; do dpkg-deb --extract "$package" debian; done; \
    machine=$(uname -m); \
    mkdir -p /image/bin /image/lib /image/tmp /image/workspace /image/usr/bin /image/usr/lib /image/usr/local/bin; \
    cp "debian/lib/$machine-linux-musl/libc.so" "/image/lib/ld-musl-$machine.so.1"; \
    cp debian/usr/bin/git /image/usr/bin/; \
    find debian -name 'libpcre2-8.so.0*' -o -name 'libz.so.1*' -o -name 'libgcc_s.so.1' \
      -o -name 'libstdc++.so.6*' ! -name '*.py' | xargs -I% cp -d % /image/usr/lib/; \
    debian/usr/bin/tcc -B"$(echo debian/usr/lib/*/tcc)" -nostdlib -shared -o /image/usr/lib/shim.so \
      musl-shim.c debian/usr/lib/*/tcc/libtcc1.a; \
    loader=$(ls -d /lib*/ld-linux-*.so.* | head -n 1); \
    mkdir -p "/image$(dirname "$loader")"; \
    ln -s "/lib/ld-musl-$machine.so.1" "/image$loader"; \
    ln -s shim.so "/image/usr/lib/$(basename "$loader")"; \
    cp debian/bin/busybox /image/bin/; \
    for applet in $(debian/bin/busybox --list); do [ "$applet" = busybox ] || ln -s busybox "/image/bin/$applet"; done; \
    chmod 1777 /image/tmp; \
    rm -rf debian *.deb /var/lib/apt/lists/*

FROM scratch
COPY --from=parts /image/ /
ENV PATH=/usr/local/bin:/usr/bin:/bin LD_PRELOAD=/usr/lib/shim.so:/usr/lib/libgcc_s.so.1
