// OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317 go run .
package main

import (
	"context"
	"log"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

func main() {
	ctx := context.Background()
	exporter, err := otlptracegrpc.New(ctx)
	if err != nil {
		log.Fatal(err)
	}
	provider := trace.NewTracerProvider(
		trace.WithBatcher(exporter),
		trace.WithResource(resource.NewSchemaless(attribute.String("service.name", "quickstart"))))
	tracer := provider.Tracer("shop")

	ctx, checkout := tracer.Start(ctx, "checkout")
	_, charge := tracer.Start(ctx, "charge card", api.WithAttributes(attribute.Float64("payment.amount", 49.95)))
	charge.End()
	checkout.End()

	if err := provider.Shutdown(context.Background()); err != nil {
		log.Fatal(err)
	}
}
