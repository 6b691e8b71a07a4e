// Franz sends seven messages (GROUP is empty), or is a group that reads them and fails on the third once.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"tailspan/recorded/kafka/truth"
)

const count = 7

func main() {
	group := os.Getenv("GROUP")
	options := []kgo.Opt{kgo.SeedBrokers(os.Getenv("BROKER"))}
	if group == "" {
		stop := truth.Start("shop")
		produce(append(options, kgo.ClientID("shop"), kgo.WithHooks(kotel.NewTracer(kotel.ClientID("shop")))))
		stop()
		return
	}
	stop := truth.Start(group)
	settings := []kotel.TracerOpt{kotel.ClientID(group), kotel.ConsumerGroup(group)}
	if os.Getenv("LINKS") != "" {
		settings = append(settings, kotel.LinkSpans())
	}
	tracer := kotel.NewTracer(settings...)
	consume(tracer, append(options, kgo.ClientID(group), kgo.WithHooks(tracer), kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(os.Getenv("TOPIC")), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())))
	stop()
}

func produce(options []kgo.Opt) {
	client, err := kgo.NewClient(options...)
	truth.Check(err)
	defer client.Close()
	records := func(from, to int) (all []*kgo.Record) {
		for id := from; id <= to; id++ {
			all = append(all, &kgo.Record{
				Topic:   os.Getenv("TOPIC"),
				Key:     fmt.Appendf(nil, "customer-%d", id%3),
				Value:   fmt.Appendf(nil, "order %d", id),
				Headers: []kgo.RecordHeader{{Key: "order", Value: fmt.Appendf(nil, "o%d", id)}},
			})
		}
		return all
	}
	for _, batch := range [][]*kgo.Record{records(1, 1), records(2, 2), records(3, 3), records(4, 4), records(5, count)} {
		truth.Check(client.ProduceSync(context.Background(), batch...).FirstErr())
		for _, r := range batch {
			truth.Produced(name(r), trace.SpanContextFromContext(r.Context))
		}
	}
}

func consume(tracer *kotel.Tracer, options []kgo.Opt) {
	client, err := kgo.NewClient(options...)
	truth.Check(err)
	defer client.Close()
	done, failed := map[string]bool{}, false
	for len(done) < count {
		fetches := client.PollFetches(context.Background())
		truth.Check(fetches.Err())
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			again := false
			for _, r := range p.Records {
				truth.Received(name(r), trace.SpanContextFromContext(r.Context))
				if again {
					continue
				}
				ctx, span := tracer.WithProcessSpan(r)
				truth.Consumed(name(r), span.SpanContext())
				if name(r) == "o3" && !failed {
					failed, again = true, true
					client.SetOffsets(map[string]map[int32]kgo.EpochOffset{
						r.Topic: {r.Partition: {Epoch: -1, Offset: r.Offset}}})
				} else {
					_, work := otel.Tracer("work").Start(ctx, "handle order")
					work.End()
					done[name(r)] = true
				}
				span.End()
			}
		})
	}
}

func name(r *kgo.Record) string {
	for _, header := range r.Headers {
		if header.Key == "order" {
			return string(header.Value)
		}
	}
	return ""
}
