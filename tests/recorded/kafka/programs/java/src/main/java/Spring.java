import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.KafkaOperations;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.listener.BatchMessageListener;
import org.springframework.kafka.listener.ContainerProperties;
import org.springframework.kafka.listener.DeadLetterPublishingRecoverer;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.kafka.listener.KafkaMessageListenerContainer;
import org.springframework.kafka.listener.MessageListener;
import org.springframework.util.backoff.FixedBackOff;

/**
 * Spring for Apache Kafka: GROUP=mail listens to batches, other groups to records. With FAILS=ID the listener fails on that
 * message each time: Spring delivers it twice and puts it among the dead letters.
 */
public final class Spring {
    private static final String GROUP = System.getenv("GROUP");
    private static final Set<String> done = ConcurrentHashMap.newKeySet();
    private static final CountDownLatch finished = new CountDownLatch(1);

    public static void main(String[] arguments) throws Exception {
        var properties = new ContainerProperties(System.getenv("TOPIC"));
        if (GROUP.equals("mail")) {
            BatchMessageListener<String, String> listener = records -> records.forEach(Spring::process);
            properties.setMessageListener(listener);
        } else {
            MessageListener<String, String> listener = Spring::process;
            properties.setMessageListener(listener);
        }
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", System.getenv("BROKER")));
        settings.putAll(Map.of("client.id", GROUP, "group.id", GROUP, "auto.offset.reset", "earliest"));
        var consumers = new DefaultKafkaConsumerFactory<>(settings, new StringDeserializer(), new StringDeserializer());
        var container = new KafkaMessageListenerContainer<>(consumers, properties);
        container.setCommonErrorHandler(new DefaultErrorHandler(new Burier(), new FixedBackOff(0, 1)));
        container.start();
        finished.await();
        container.stop();
    }

    private static void process(ConsumerRecord<String, String> record) {
        String name = Truth.name(record.headers());
        Truth.consumed(record.headers(), GROUP);
        if (name.equals(System.getenv("FAILS"))) throw new IllegalStateException("out of stock");
        done(name);
    }

    private static void done(String name) {
        done.add(name);
        if (done.size() == Integer.parseInt(System.getenv().getOrDefault("COUNT", "7"))) finished.countDown();
    }

    /** Puts dead letters away as Spring does, under a name of their own. */
    private static final class Burier extends DeadLetterPublishingRecoverer {
        Burier() {
            super(new KafkaTemplate<>(new DefaultKafkaProducerFactory<>(
                    Map.of("bootstrap.servers", System.getenv("BROKER"), "client.id", "burier"), new StringSerializer(),
                    new StringSerializer())));
        }

        @Override
        protected void publish(ProducerRecord<Object, Object> dead, KafkaOperations<Object, Object> template,
                ConsumerRecord<?, ?> record) {
            String name = Truth.name(dead.headers());
            dead.headers().remove("order").add("order", (name + " dead").getBytes(StandardCharsets.UTF_8));
            Truth.below(dead.headers(), () -> super.publish(dead, template, record));
            done(name);
        }
    }
}
