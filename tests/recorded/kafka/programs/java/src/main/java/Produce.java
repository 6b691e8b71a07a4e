import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** A shop: four messages, each acknowledged before the next, and then three that wait for one another. */
public final class Produce {
    public static void main(String[] arguments) throws Exception {
        Map<String, Object> settings =
                Map.of("bootstrap.servers", System.getenv("BROKER"), "client.id", "shop", "linger.ms", 50);
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            for (int id = 1; id <= 7; id++) {
                var record = new ProducerRecord<>(System.getenv("TOPIC"), "customer-" + id % 3, "order " + id);
                record.headers().add("order", ("o" + id).getBytes(StandardCharsets.UTF_8));
                Truth.send(producer, record);
                if (id <= 4) producer.flush();
            }
        }
        TimeUnit.MILLISECONDS.sleep(100); // the agent ends producer spans in callbacks
    }
}
