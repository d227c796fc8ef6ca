# syntax is plain on purpose: docker, podman and buildah all build this file.
ARG BUILD_IMAGE=golang:1.26
ARG RUN_IMAGE=scratch

# The compiler runs on the machine at hand, whichever the image is for.
FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS build
ARG TARGETOS
ARG TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags "-s -w" -o /out/portal . && mkdir -p /out/data

FROM ${RUN_IMAGE}
# Time zones are in the binary; the certificates that GoTo's are signed by are not.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/portal /portal
COPY --from=build --chown=65532:65532 /out/data /data
# The default databases are data/portal.db and data/sandbox.db: from here they
# are in the volume, in either mode.
WORKDIR /
# The root may be read-only, so temporary files go to the volume too.
ENV TMPDIR=/data/tmp
USER 65532:65532
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/portal", "healthcheck"]
ENTRYPOINT ["/portal"]
