import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A group that reads COUNT messages. With FAILS=ID it fails on that message: without DEAD_LETTERS once, and is given it
 * again; with DEAD_LETTERS=TOPIC it puts it there, with headers as Spring for Apache Kafka writes them.
 */
public final class Consume {
    private static final String GROUP = System.getenv("GROUP");
    private static final String DEAD_LETTERS = System.getenv("DEAD_LETTERS");
    private static final Set<String> done = new HashSet<>();
    private static boolean failed;

    public static void main(String[] arguments) {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", System.getenv("BROKER")));
        settings.putAll(Map.of("client.id", GROUP, "group.id", GROUP, "auto.offset.reset", "earliest"));
        int count = Integer.parseInt(System.getenv().getOrDefault("COUNT", "7"));
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(System.getenv("TOPIC")));
            while (done.size() < count) {
                TopicPartition again = null;
                var records = consumer.poll(Duration.ofMillis(500));
                Truth.polled(records, GROUP);
                for (var record : records) {
                    var partition = new TopicPartition(record.topic(), record.partition());
                    Truth.consumed(record.headers(), GROUP);
                    if (partition.equals(again) || process(record)) continue;
                    again = partition;
                    consumer.seek(partition, record.offset());
                }
            }
        }
    }

    private static boolean process(ConsumerRecord<String, String> record) {
        String name = Truth.name(record.headers());
        if (name.equals(System.getenv("FAILS")) && !failed) {
            failed = true;
            if (DEAD_LETTERS == null) return false;
            bury(record, name);
        }
        done.add(name);
        return true;
    }

    private static void bury(ConsumerRecord<String, String> record, String name) {
        Map<String, Object> settings = Map.of("bootstrap.servers", System.getenv("BROKER"), "client.id", "burier");
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            var dead = new ProducerRecord<>(DEAD_LETTERS, record.key(), record.value());
            Map<String, Object> headers = Map.of("order", name + " dead", "kafka_dlt-original-topic", record.topic(),
                    "kafka_dlt-original-partition", record.partition(), "kafka_dlt-original-offset", record.offset(),
                    "kafka_dlt-original-consumer-group", GROUP);
            headers.forEach((key, value) -> dead.headers().add(key, value.toString().getBytes(StandardCharsets.UTF_8)));
            Truth.send(producer, dead);
        }
    }
}
