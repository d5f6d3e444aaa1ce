# syntax=docker/dockerfile:1
# folio in an empty image. `scripts/image` builds the same without a container engine, and
# with a digest that a second build repeats.
#
#   docker build --build-arg VERSION=1.2.3 -t localhost/folio:1.2.3 .
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev TARGETARCH
RUN GOARCH=$TARGETARCH VERSION=$VERSION scripts/image --binary /folio

FROM scratch
ARG VERSION=dev
LABEL org.opencontainers.image.title="folio" \
      org.opencontainers.image.description="A multi-tenant invoicing API whose numbers hold" \
      org.opencontainers.image.version=$VERSION
COPY --from=build /folio /folio
USER 65532:65532
EXPOSE 8080 9090
ENTRYPOINT ["/folio"]
CMD ["serve"]
