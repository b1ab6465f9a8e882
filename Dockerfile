# tracekin as a container: built and run on Debian 13, as an unprivileged user, with nothing to write to.
FROM debian:trixie-slim AS build
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        gcc libc6-dev cmake ninja-build pkg-config \
        libmicrohttpd-dev libgnutls28-dev libpq-dev libjansson-dev libcurl4-openssl-dev zlib1g-dev libxxhash-dev nettle-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cmake --preset release && cmake --build build/release --target tracekin && strip build/release/tracekin

FROM debian:trixie-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        libmicrohttpd12t64 libgnutls30t64 libpq5 libjansson4 libcurl4t64 ca-certificates zlib1g libnettle8t64 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
COPY --from=build /src/build/release/tracekin /usr/local/bin/tracekin
COPY LICENSE /usr/share/doc/tracekin/LICENSE

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tracekin" \
      org.opencontainers.image.description="Stores OpenTelemetry traces, logs and metrics in PostgreSQL with pgvector and answers questions about them over REST" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# Only a container's own address is reached from outside it; which clients get there is for its runtime to say.
# Beyond loopback the service asks for API keys or for TRACEKIN_INSECURE: neither is decided here.
ENV TRACEKIN_LISTEN=0.0.0.0:4318
USER 10001:10001
EXPOSE 4318
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["tracekin", "healthcheck"]
ENTRYPOINT ["tracekin"]
CMD ["serve"]
