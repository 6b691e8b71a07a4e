// Package truth says under which spans messages were sent and got, and sets up the SDK as a service does.
package truth

import (
	"context"
	"fmt"
	"log"
	"os"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Start sets the global provider and propagator; what it returns sends what is left.
func Start(service string, processors ...sdk.SpanProcessor) func() {
	exporter, err := otlptracegrpc.New(context.Background())
	Check(err)
	name := resource.NewSchemaless(attribute.String("service.name", service))
	options := []sdk.TracerProviderOption{sdk.WithBatcher(exporter), sdk.WithResource(name)}
	for _, p := range processors {
		options = append(options, sdk.WithSpanProcessor(p))
	}
	provider := sdk.NewTracerProvider(options...)
	otel.SetTracerProvider(provider)
	if os.Getenv("OTEL_PROPAGATORS") != "none" {
		otel.SetTextMapPropagator(propagation.TraceContext{})
	}
	return func() { Check(provider.Shutdown(context.Background())) }
}

// Produced, Received and Consumed take the span that stands for it.
func Produced(message string, span trace.SpanContext) { say("produced", message, span, "") }

func Received(message string, span trace.SpanContext) { say("received", message, span, group()) }
func Consumed(message string, span trace.SpanContext) { say("consumed", message, span, group()) }

func group() string { return fmt.Sprintf(", \"group\": %q", os.Getenv("GROUP")) }

func say(verb, message string, span trace.SpanContext, more string) {
	fmt.Printf("{%q: %q, \"trace\": %q, \"span\": %q%s}\n", verb, message, span.TraceID(), span.SpanID(), more)
}

// Check ends the program when something went wrong.
func Check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
