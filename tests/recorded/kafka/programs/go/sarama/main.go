// Sarama sends seven messages (GROUP is empty) or is a group that reads them.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/IBM/sarama"
	"github.com/dnwe/otelsarama"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"tailspan/recorded/kafka/truth"
)

const count = 7

func main() {
	group := os.Getenv("GROUP")
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Producer.Return.Successes = true
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	if group == "" {
		config.ClientID = "shop"
		sent := &sent{}
		stop := truth.Start("shop", sent)
		produce(config, sent)
		stop()
		return
	}
	config.ClientID = group
	reader := &reader{started: map[string][]trace.SpanContext{}}
	stop := truth.Start(group, reader)
	consume(config, group, reader)
	stop()
}

func produce(config *sarama.Config, sent *sent) {
	plain, err := sarama.NewSyncProducer([]string{os.Getenv("BROKER")}, config)
	truth.Check(err)
	producer := otelsarama.WrapSyncProducer(config, plain)
	for id := 1; id <= count; id++ {
		_, _, err := producer.SendMessage(&sarama.ProducerMessage{
			Topic:   os.Getenv("TOPIC"),
			Key:     sarama.StringEncoder(fmt.Sprintf("customer-%d", id%3)),
			Value:   sarama.StringEncoder(fmt.Sprintf("order %d", id)),
			Headers: []sarama.RecordHeader{{Key: []byte("order"), Value: fmt.Appendf(nil, "o%d", id)}},
		})
		truth.Check(err)
		truth.Produced(fmt.Sprintf("o%d", id), sent.span)
	}
	truth.Check(producer.Close())
}

// The instrumentation hands out no spans, so they are watched as they start: here the one of the latest call,
type sent struct {
	watch
	span trace.SpanContext
}

func (s *sent) OnStart(_ context.Context, span sdk.ReadWriteSpan) { s.span = span.SpanContext() }

// and here those of each partition, which start in the order of its messages.
type reader struct {
	watch
	lock    sync.Mutex
	started map[string][]trace.SpanContext
	done    int
	cancel  func()
}

func consume(config *sarama.Config, group string, r *reader) {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	client, err := sarama.NewConsumerGroup([]string{os.Getenv("BROKER")}, group, config)
	truth.Check(err)
	for ctx.Err() == nil {
		truth.Check(client.Consume(ctx, []string{os.Getenv("TOPIC")}, otelsarama.WrapConsumerGroupHandler(r)))
	}
	truth.Check(client.Close())
}

func (r *reader) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (r *reader) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (r *reader) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	partition := fmt.Sprint(claim.Partition())
	for message := range claim.Messages() {
		for _, header := range message.Headers {
			if string(header.Key) == "order" {
				r.got(partition, string(header.Value))
			}
		}
		session.MarkMessage(message, "")
	}
	return nil
}

func (r *reader) got(partition, message string) {
	r.lock.Lock()
	defer r.lock.Unlock()
	truth.Consumed(message, r.started[partition][0])
	r.started[partition] = r.started[partition][1:]
	if r.done++; r.done == count {
		r.cancel()
	}
}

func (r *reader) OnStart(_ context.Context, span sdk.ReadWriteSpan) {
	for _, attribute := range span.Attributes() {
		if attribute.Key == "messaging.kafka.source.partition" {
			r.lock.Lock()
			partition := attribute.Value.Emit()
			r.started[partition] = append(r.started[partition], span.SpanContext())
			r.lock.Unlock()
		}
	}
}

// A watch is the rest of a span processor.
type watch struct{}

func (watch) OnEnd(sdk.ReadOnlySpan)           {}
func (watch) Shutdown(context.Context) error   { return nil }
func (watch) ForceFlush(context.Context) error { return nil }
