import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.context.Scope;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;

/** Says under which spans messages were sent and got; a message's name is in its header "order". */
final class Truth {
    static void send(Producer<String, String> producer, ProducerRecord<String, String> record) {
        below(record.headers(), () -> producer.send(record));
    }

    /** The agent keeps its producer span to itself, so it is told by a parent of ours. */
    static void below(Headers headers, Runnable send) {
        Span span = GlobalOpenTelemetry.getTracer("work").spanBuilder("order").startSpan();
        try (Scope scope = span.makeCurrent()) {
            send.run();
        } finally {
            span.end();
        }
        say("produced", name(headers), "parent", span.getSpanContext(), "");
    }

    /** While records are iterated over, the agent's process span is the current one. */
    static void consumed(Headers headers, String group) {
        say("consumed", name(headers), "span", Span.current().getSpanContext(), ", \"group\": \"" + group + "\"");
    }

    /** By partition, which is not the iteration that the agent watches. */
    static void polled(ConsumerRecords<String, String> records, String group) {
        List<String> names = new ArrayList<>();
        for (var partition : records.partitions()) {
            List<ConsumerRecord<String, String>> some = records.records(partition);
            for (int i = 0; i < some.size(); i++) names.add('"' + name(some.get(i).headers()) + '"');
        }
        if (!names.isEmpty()) System.out.printf("{\"polled\": %s, \"group\": \"%s\"}%n", names, group);
    }

    static String name(Headers headers) {
        return new String(headers.lastHeader("order").value(), StandardCharsets.UTF_8);
    }

    private static void say(String verb, String message, String span, SpanContext context, String more) {
        System.out.printf("{\"%s\": \"%s\", \"trace\": \"%s\", \"%s\": \"%s\"%s}%n", verb, message,
                context.getTraceId(), span, context.getSpanId(), more);
    }
}
