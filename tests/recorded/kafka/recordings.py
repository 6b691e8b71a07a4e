"""What is recorded: name -> (language, environment, steps); a step is (environment, program, arguments...)."""

LOST = {"OTEL_PROPAGATORS": "none"}
MESSAGING = {"OTEL_SEMCONV_STABILITY_OPT_IN": "messaging"}
RECEIVE = {"OTEL_INSTRUMENTATION_MESSAGING_EXPERIMENTAL_RECEIVE_TELEMETRY_ENABLED": "true"}
HEADERS = {
    "OTEL_INSTRUMENTATION_MESSAGING_EXPERIMENTAL_CAPTURE_HEADERS": ",".join(
        f"kafka_dlt-original-{what}" for what in ("topic", "partition", "offset", "consumer-group"))
}

STOCK, MAIL = {"GROUP": "stock"}, {"GROUP": "mail"}

KAFKAJS = [({}, "produce"), (STOCK, "consume"), (MAIL, "consume")]


def java(consumers):
    """Each step is a service of its own name."""
    steps = [({"OTEL_SERVICE_NAME": "shop"}, "Produce")]
    return steps + [({"OTEL_SERVICE_NAME": c["GROUP"], **c}, "Consume") for c in consumers]


JAVA = java([{**STOCK, "FAILS": "o3"}, MAIL])
DEAD_LETTERS = java([
    {**STOCK, "FAILS": "o3", "DEAD_LETTERS": "orders-dlt"},
    {"GROUP": "repair", "TOPIC": "orders-dlt", "COUNT": "1"},
])


SPRING = java([]) + [({"OTEL_SERVICE_NAME": c["GROUP"], **c}, "Spring") for c in (
    {**STOCK, "FAILS": "o3"}, MAIL, {"GROUP": "repair", "TOPIC": "orders-dlt", "COUNT": "1"})]


def both_groups(program, **more):
    return [({}, program), ({**STOCK, **more}, program), ({**MAIL, **more}, program)]


RECORDINGS = {
    "kafkajs-0.32.0": ("javascript", {}, KAFKAJS),
    "kafkajs-0.32.0-lost": ("javascript", LOST, KAFKAJS),
    "javaagent-2.33.1": ("java", {}, JAVA),
    "javaagent-2.33.1-lost": ("java", LOST, JAVA),
    "javaagent-2.33.1-receive": ("java", RECEIVE, JAVA),
    "javaagent-2.33.1-messaging": ("java", MESSAGING, JAVA),
    "javaagent-2.33.1-messaging-lost": ("java", {**MESSAGING, **LOST}, JAVA),
    "javaagent-2.33.1-messaging-receive": ("java", {**MESSAGING, **RECEIVE}, JAVA),
    "javaagent-2.33.1-dead-letters": ("java", HEADERS, DEAD_LETTERS),
    "javaagent-2.33.1-dead-letters-lost": ("java", {**HEADERS, **LOST}, DEAD_LETTERS),
    "spring-kafka-4.0.8": ("java", HEADERS, SPRING),
    "spring-kafka-4.0.8-lost": ("java", {**HEADERS, **LOST}, SPRING),
    "franz-go-kotel-1.7.1": ("go", {}, both_groups("franz")),
    "franz-go-kotel-1.7.1-links": ("go", {}, both_groups("franz", LINKS="1")),
    "franz-go-kotel-1.7.1-lost": ("go", LOST, both_groups("franz")),
    "otelsarama-2024.03": ("go", {}, both_groups("sarama")),
    "otelsarama-2024.03-lost": ("go", LOST, both_groups("sarama")),
    "confluent-kafka-python-0.66b1": ("python", {}, both_groups("confluent")),
    "confluent-kafka-python-0.66b1-lost": ("python", LOST, both_groups("confluent")),
    "kafka-python-0.66b1": ("python", {}, both_groups("kafka_python")),
    "kafka-python-0.66b1-lost": ("python", LOST, both_groups("kafka_python")),
    "aiokafka-0.66b1": ("python", {}, both_groups("aio_kafka")),
    "aiokafka-0.66b1-lost": ("python", LOST, both_groups("aio_kafka")),
}
